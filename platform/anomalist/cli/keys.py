"""Keys: one key stroke at a time, from a terminal or from a pipe."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Keys", "keys_of"]

_END = ("\x03", "\x04")  # what Ctrl-C and Ctrl-D send where the terminal does not take them itself


class Keys(Protocol):
    """Where keys come from.

    Attributes:
        interactive: Whether somebody presses them while they look.
    """

    interactive: bool

    def key(self) -> str | None:
        """Wait for the next key; None at the end of the input."""
        ...

    def line(self, prompt: str) -> str:
        """A line of text; empty where nothing was typed."""
        ...

    def forget(self) -> None:
        """Drop what was typed already: a key is for what its reader has seen."""
        ...


@contextmanager
def keys_of(stream: TextIO, *, err: bool) -> Iterator[Keys]:
    """The keys of a terminal, which stays silent meanwhile, or else the characters of a pipe.

    `err` has prompts go to stderr.
    """
    if not stream.isatty():
        yield _Pipe(stream)
        return
    try:
        import termios
    except ImportError:  # not a POSIX system
        yield _Console(err=err)
        return
    # polars answers Ctrl-C in a way that lets a read go on; whoever waits for a key must be woken.
    signal.siginterrupt(signal.SIGINT, True)
    before = termios.tcgetattr(stream)
    try:
        yield _Terminal(stream, before, err=err)
    finally:
        termios.tcsetattr(stream, termios.TCSADRAIN, before)


class _Pipe:
    """A script: every character is a key, blanks and line ends are not; a text ends with its line."""

    interactive = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def key(self) -> str | None:
        while character := self._stream.read(1):
            if not character.isspace():
                return character
        return None

    def line(self, prompt: str) -> str:  # noqa: ARG002 - nobody is there to be asked
        return self._stream.readline().strip()

    def forget(self) -> None:
        """A script is written before anything is shown."""


class _Terminal:
    """A POSIX terminal without echo, which sends keys as they are pressed and still knows Ctrl-C."""

    interactive = True

    def __init__(self, stream: TextIO, before: list[Any], *, err: bool) -> None:
        self._stream, self._before, self._err = stream, before, err
        self._listen()

    def key(self) -> str | None:
        self._listen()  # each time anew: a shell sets the terminal back when the program was stopped
        typed = os.read(self._stream.fileno(), 32).decode(errors="replace")
        if not typed or typed.startswith(_END):
            return None
        return typed if typed.startswith("\x1b") else typed[0]

    def line(self, prompt: str) -> str:
        import termios

        termios.tcsetattr(self._stream, termios.TCSADRAIN, self._before)
        text: str = click.prompt(prompt, default="", show_default=False, err=self._err)
        return text.strip()

    def forget(self) -> None:
        import termios

        termios.tcflush(self._stream, termios.TCIFLUSH)

    def _listen(self) -> None:
        import termios
        import tty

        tty.setcbreak(self._stream, termios.TCSADRAIN)


class _Console:
    """Any other terminal, as click reads it."""

    interactive = True

    def __init__(self, *, err: bool) -> None:
        self._err = err

    def key(self) -> str | None:
        try:
            return click.getchar()
        except EOFError:
            return None

    def line(self, prompt: str) -> str:
        text: str = click.prompt(prompt, default="", show_default=False, err=self._err)
        return text.strip()

    def forget(self) -> None:
        """The console keeps no keys."""
