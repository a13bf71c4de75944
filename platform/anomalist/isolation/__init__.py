"""Runs plugins in processes of their own, so that nothing one of them does reaches the run, or the next plugin.

What is isolated: each detector of a run, bundled ones too, and each maker of features, stacker, combiner and reader of
a third party, from its import on (`processes`); the import of all plugins of third parties, which one process does for
all of them, and their observers of runs (`discovery`). So a plugin may end its process, hang, break its memory, print,
fork, take all the memory it can get, or change what all code of a process shares: its member fails or runs out of time,
in one line that names the package, and the others go on. Where there can be no run without it, as without features,
that line is the error. Results are the same as without isolation, to the last bit.

What is not isolated: commands of plugins. They are imported by the program itself when they are used, and only then.
What anomalist itself brings, but for detectors, stays in the program as well.

What it costs: a process for each of them, which starts in a tenth of a second of CPU time and then imports what it
needs; a second for torch or scikit-learn. A call takes a millisecond. Arrays are not copied from process to process,
and tables go over as Arrow; each process has its own copy of what its detector keeps.

It is no wall against malice. A detector has the rights of the user who runs it: it can read and write files, use the
network, and end other processes on purpose. What leaves its session (`setsid`) is not ended with it.

From host to child and back go plain values and arrays (`message`), never a pickle.
"""
