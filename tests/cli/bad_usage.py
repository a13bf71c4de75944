"""The catalogue of wrong usage: options, names, settings and stores that no command can work with."""

from __future__ import annotations

from tests.cli.bad_inputs import Bad
from tests.cli.samples import FOREST

__all__ = ["BAD_NAMES", "BAD_OPTIONS", "BAD_SETTINGS", "BAD_STORES"]


def option(text: str, *says: str) -> Bad:
    """Wrong options of `run`: refused with exit code 2."""
    return Bad(typed=f"run payments.csv --key id {text}", says=says, code=2)


def quick(text: str, *says: str) -> Bad:
    """Wrong options of `run` beside a quick detector."""
    return option(f"{FOREST} {text}", *says)


def name(typed: str, *says: str) -> Bad:
    """A name that nothing has: exit code 2."""
    return Bad(typed=typed, says=says, code=2)


def variable(name: str, value: str, *says: str, code: int = 2) -> Bad:
    """A bad value in the environment."""
    typed = "run payments.csv --key id --detector isolation_forest:trees=10"
    return Bad(typed=typed, says=says, code=code, environ={name: value})


def file(content: str, *says: str) -> Bad:
    """A bad configuration file."""
    typed = f"--config my.toml run payments.csv --key id {FOREST}"
    return Bad(typed=typed, says=says, code=2, files={"my.toml": content})


def store(url: str, *says: str, code: int = 1, command: str = "runs") -> Bad:
    """A store that is none."""
    files = {"notes.txt": "this is no database\n" * 300}
    return Bad(typed=f"--store {url} {command}", says=says, code=code, files=files)


BUDGET = "budget must be a share below 100% such as 1%, or a whole number of rows such as 50, got "

BAD_OPTIONS = {
    "a budget and a false-positive rate": quick("--budget 5 --fpr 0.1", "--budget and --fpr exclude each other"),
    "a rate and a beta": quick("--label fraud --fpr 0.1 --f-beta 1", "--fpr and --f-beta exclude each other"),
    "a budget and scores only": quick("--budget 1% --scores-only", "--budget and --scores-only exclude each other"),
    "a budget of nothing": quick("--budget 0", BUDGET + "'0'"),
    "a negative budget": quick("--budget=-5", BUDGET + "'-5'"),
    "a budget of one and a half rows": quick("--budget 1.5", BUDGET + "'1.5'"),
    "a budget of more than all": quick("--budget 150%", BUDGET + "'150%'"),
    "a budget in words": quick("--budget many", BUDGET + "'many'"),
    "an infinite budget": quick("--budget inf", BUDGET + "'inf'"),
    "a rate of nothing": quick("--fpr 0", "fpr must be a probability between 0 and 1, got 0.0"),
    "a rate of all": quick("--fpr 1", "fpr must be a probability between 0 and 1, got 1.0"),
    "a rate that is no number": quick("--fpr nan", "fpr must be a probability between 0 and 1, got nan"),
    "a rate in words": quick("--fpr low", "'--fpr': 'low' is not a valid float", "anomalist run --help"),
    "a negative beta": quick("--label fraud --f-beta -1", "beta must be a positive number, got -1.0"),
    "a beta without labels": quick("--f-beta 1", "needs a label column: name it as the label"),
    "a positive value without labels": quick("--positive 1", "name their column with --label"),
    "a negative seed": quick("--seed -1", "--seed: seed must be a whole number from 0", "got -1"),
    "a seed with a fraction": quick("--seed 1.5", "'--seed': '1.5' is not a valid integer"),
    "a seed that is too large": quick("--seed 99999999999", "to 4294967295, got 99999999999"),
    "no threads": quick("--threads 0", "--threads: threads must be a whole number of at least 1", "got 0"),
    "no time": quick("--timeout 0", "--timeout: timeout must be a number of seconds above 0", "got 0.0"),
    "an endless time": quick("--timeout inf", "--timeout: timeout must be a number of seconds", "got inf"),
    "a device that does not exist": quick("--device tpu", "device must be auto, cpu, cuda, cuda:N or mps, got 'tpu'"),
    "no rows to show": quick("--top 0", "'--top': 0 is not in the range x>=1"),
    "an unknown option": quick("--budgte 5", "No such option", "anomalist run --help"),
    "an unknown detector": option("--detector isolation_florest", "did you mean 'isolation_forest'?"),
    "a detector without a name": option("--detector ''", "NAME or NAME:KEY=VALUE,..., got ''"),
    "an unknown parameter": option("--detector isolation_forest:treez=9", "'treez'", "'trees'?"),
    "a parameter of another type": option("--detector isolation_forest:trees=ten", "trees must be", "ten"),
    "a parameter out of its range": option(
        "--detector isolation_forest:trees=0", "isolation_forest: trees must be", "got 0"
    ),
    "a detector of series without a time": option("--detector rnn", "rnn needs rows in order", "--time"),
    "an unknown panel": option("--panel nope", "no panel is called 'nope'; there are", "default"),
    "an unknown combiner": quick("--combiner nope", "no combiner is called 'nope'; there are upper_half, mean"),
    "an unknown parameter of a combiner": quick("--combiner mean:k=2", "combiner mean does not take k"),
    "a word for a parameter of a combiner": quick("--combiner aom:buckets=x", "buckets must be a number, got 'x'"),
    "a weight for nobody": quick("--combiner weighted:knn=2", "no detector 'knn' in the panel", "isolation_forest"),
    "no weight at all": quick("--combiner weighted:isolation_forest=0", "weights must be 0 or more"),
    "a model name of several words": quick("--name 'my model:2'", "'my model:2'", "'my_model_2' would do"),
    "a model name of nothing": quick("--name ''", "a model name holds only letters", "got ''"),
    "a role that does not exist": quick("--role city=colour", "'city'", "no role 'colour'; the roles are numeric"),
    "a role for no column": quick("--role city", "--role takes COL=ROLE such as zip=categorical, got 'city'"),
    "a key that is the time too": quick("--time id", "'id' cannot be both key and time"),
    "a key that is ignored": quick("--ignore id", "'id' cannot be both key and ignored"),
    "two keys": quick("--role city=key", "only one column can be the key, got 'id' and 'city'"),
    "an unknown format": quick("--format foo", "no format 'foo'; the formats are csv, parquet"),
    "a query of a file": quick("--query t", "a query needs a database URL, got the file 'payments.csv'"),
    "scores to an unknown ending": quick("--out s.xlsx", "--out s.xlsx: the ending must be one of .csv, .parquet"),
    "scores to a folder that is not there": quick("--out far/s.csv", "--out far/s.csv: there is no folder far"),
    "scores to a folder": quick("--out .", "'--out'", "is a directory"),
    "no data": Bad(typed="run", says=("Missing argument 'DATA'", "anomalist run --help"), code=2),
    "a database that is none": Bad(typed="run foo://bar --query t", says=("no database is called 'foo'",), code=2),
    "a query that changes rows": Bad(
        typed="run sqlite:///other.db --query 'DELETE FROM t'", says=("a SELECT is needed",), code=2
    ),
    "a query of an unknown table": Bad(typed="run sqlite:///other.db --query x", says=("no table 'x'", "'t'"), code=4),
    "a query of an unknown column": Bad(
        typed="run sqlite:///other.db --query 'SELECT b FROM t'", says=("other.db", "no such column: b"), code=4
    ),
    "a table without rows": Bad(typed="run sqlite:///other.db --query t", says=("found no rows",), code=4),
    "a database file that is not there": Bad(
        typed="run sqlite:///none.db --query t", says=("no database file 'none.db'",), code=4
    ),
}
"""Options of `run`; other.db holds an empty table t with the column a."""

BAD_NAMES = {
    "a score without a model": name("score payments.csv", "Missing option '--model'"),
    "a score by an unknown model": name("score payments.csv --model nobody", "no model 'nobody'", "the store has m"),
    "a score by an unknown version": name("score payments.csv --model m:9", "no model m:9"),
    "a score by an unknown alias": name("score payments.csv --model m@best", "no model m@best", "champion"),
    "a score by a reference that is none": name("score payments.csv --model m:1:2", "NAME:version, got 'm:1:2'"),
    "a score by a model of no name": name("score payments.csv --model ''", "NAME:version, got ''"),
    "a score with a bad budget": name("score payments.csv --model m --budget 0", BUDGET + "'0'"),
    "a score to an unknown ending": name("score payments.csv --model m --out s.txt", "--out s.txt: the ending"),
    "a score with an unknown role": name("score payments.csv --model m --role city=x", "no role 'x'"),
    "an evaluation without labels": name("evaluate payments.csv", "name it with --label"),
    "an evaluation of an unknown run": name("evaluate zzzz --label fraud", "no run 'zzzz'", "anomalist runs"),
    "an evaluation by an unknown model": name("evaluate payments.csv --label fraud --model q", "no model 'q'"),
    "an evaluation of a run by a model": name("evaluate latest --label fraud --model m", "--model scores DATA"),
    "an evaluation of data with data": name("evaluate payments.csv --label fraud --data payments.csv", "--data says"),
    "an evaluation of rows that no run scored": Bad(
        typed="evaluate new.csv --label b",
        says=("no run scored the rows of new.csv", "--model"),
        code=2,
        files={"new.csv": "a,b\n1,0\n2,1\n"},
    ),
    "an explanation of an unknown run": name("explain zzzz r1", "no run 'zzzz'", "anomalist runs"),
    "an explanation of an unknown row": name("explain latest r99", "no row with the key 'r99'"),
    "an explanation of no row": name("explain latest", "Missing argument 'KEY'"),
    "the top of an unknown run": name("top zzzz", "no run 'zzzz'"),
    "the top of nothing": name("top latest -n 0", "0 is not in the range"),
    "an unknown run to show": name("show zzzz", "no run 'zzzz'"),
    "a run without a name": name("show ''", "no run ''"),
    "an unknown model to show": name("models show q", "no model 'q'", "the store has m"),
    "an unknown version to show": name("models show m:7", "no model m:7"),
    "an unknown alias to show": name("models show m@q", "no model m@q"),
    "a reference that is none to show": name("models show m@a@b", "NAME:version, got 'm@a@b'"),
    "an unknown model to list": name("models list q", "no model is called 'q'", "models list"),
    "an unknown detector to explain": name("detectors isolation_florest", "did you mean 'isolation_forest'?"),
    "a verdict on an unknown run": name("feedback add zzzz r7 anomaly", "no run 'zzzz'", "anomalist runs"),
    "a verdict on an unknown row": name("feedback add latest r99 anomaly", "no row with the key 'r99'"),
    "an unknown verdict": name("feedback add latest r7 anomly", "'anomly' is no verdict", "are anomaly, expected"),
    "no verdict": name("feedback add latest r7", "Missing argument 'VERDICT'", "anomalist feedback add --help"),
    "an analyst without a name": name(
        "feedback add latest r7 anomaly --analyst ''", "analyst must be a name", "got ''"
    ),
    "an analyst of two lines": name("feedback add latest r7 anomaly --analyst 'a\nb'", "a name of one line"),
    "a cause that cannot be printed": name("feedback add latest r7 anomaly --cause '\x1b[2J'", "control characters"),
    "nothing to take back": name("feedback undo latest r7 --analyst ann", "no verdict of ann", "nobody has judged"),
    "an unknown row to take back": name("feedback undo latest r99", "no row with the key 'r99'"),
    "verdicts for an unknown run": name("feedback import payments.csv --run zzzz", "no run 'zzzz'"),
    "verdicts for no run": name("feedback import payments.csv", "Missing option '--run'"),
    "a meaning that is none": name("feedback import a.csv --run latest --map yes", "VALUE=VERDICT", "got 'yes'"),
    "an unknown meaning": name(
        "feedback import a.csv --run latest --map yes=bad", "--map yes=bad: 'bad' is no verdict"
    ),
    "two meanings of a word": name(
        "feedback import a.csv --run latest --map yes=1 --map Yes=0", "says twice what 'Yes' means", "anomaly and"
    ),
    "an export to nowhere": name("feedback export latest", "say where to: --out FILE, or --json"),
    "an export to an unknown ending": name("feedback export --out v.xlsx", "the ending must be one of .csv"),
    "an export to a folder that is not there": name("feedback export --out far/v.csv", "there is no folder far"),
    "an export of a run and a model": name("feedback export latest --model m --json", "exclude each other"),
    "an export of an unknown model": name("feedback export --model q --json", "no model 'q'"),
    "a list of an unknown run": name("feedback list zzzz", "no run 'zzzz'"),
    "a list of an unknown model": name("feedback list --model q", "no model 'q'"),
    "a list of no lines": name("feedback list -n 0", "0 is not in the range"),
    "the next version of an unknown model": name("retrain q", "no model 'q'", "the store has m"),
    "the next version of an unknown version": name("retrain m:9", "no model m:9"),
    "the next version of a challenger that is none": name("retrain m@challenger", "no model m@challenger"),
    "a next version with nothing to learn": name(
        "retrain m", "there is nothing to learn", "`anomalist review ", "--members refit"
    ),
    "an unknown stacker": name("retrain m --stacker nope", "no stacker is called 'nope'; there are gp, logistic"),
    "an unknown parameter of a stacker": name("retrain m --stacker gp:locale=3", "did you mean 'local'?"),
    "a parameter of a stacker out of its range": name(
        "retrain m --stacker gp:local=-1", "gp: local must be a variance of 0 or more, got -1.0"
    ),
    "members of an unknown kind": name("retrain m --members some", "'some' is not one of 'reuse', 'refit'"),
    "a next version with a bad budget": name("retrain m --budget 0", BUDGET + "'0'"),
    "a next version with a bad seed": name("retrain m --seed -1", "--seed: seed must be a whole number from 0"),
    "a next version on a device that does not exist": name("retrain m --device tpu", "device must be auto, cpu"),
    "a next version to an unknown ending": name("retrain m --out s.xlsx", "--out s.xlsx: the ending must be one of"),
    "a key of rows that are not named": name("retrain m --key id", "say how to read rows; name them with --data"),
    "verdicts that nobody waits for": name("retrain m --verdicts 5", "--if-needed waits for: give it, too"),
    "no verdicts to wait for": name("retrain m --if-needed --verdicts 0", "0 is not in the range x>=1"),
    "a promotion of an unknown version": name("models promote m:7", "no model m:7"),
    "a promotion of the champion": name("models promote m:1", "m:1 is the champion already"),
    "a promotion of no challenger": name("models promote m", "m has no challenger; name a version"),
    "a rollback of the first version": name("models rollback m", "m:1 replaced no other version"),
    "a rollback of an unknown model": name("models rollback q", "no model 'q'"),
    "an unknown command of feedback": name("feedback ad", "there is no command 'ad' (did you mean 'add'?)"),
    "an unknown command": name("rnu payments.csv", "there is no command 'rnu' (did you mean 'run'?)"),
    "an unknown command of a group": name("models lost", "there is no command 'lost' (did you mean 'list'?)"),
}
"""Names that nothing has, where there is one run and its model `m`."""

BAD_SETTINGS = {
    "a variable with a bad seed": variable("ANOMALIST_SEED", "many", "environment ANOMALIST_SEED: seed", "'many'"),
    "a variable with a bad budget": variable("ANOMALIST_BUDGET", "much", "environment ANOMALIST_BUDGET: " + BUDGET),
    "a variable with no threads": variable("ANOMALIST_THREADS", "0", "environment ANOMALIST_THREADS", "'0'"),
    "a variable with a bad timeout": variable("ANOMALIST_TIMEOUT", "-1", "environment ANOMALIST_TIMEOUT", "'-1'"),
    "a variable with a bad device": variable("ANOMALIST_DEVICE", "tpu", "environment ANOMALIST_DEVICE", "'tpu'"),
    "a variable with an unknown combiner": variable("ANOMALIST_COMBINER", "nope", "no combiner is called 'nope'"),
    "a variable with another database": variable("ANOMALIST_STORE", "oracle://h/x", "a store cannot be on oracle"),
    "a variable with no file": variable(
        "ANOMALIST_CONFIG", "no.toml", "environment ANOMALIST_CONFIG: there is no file"
    ),
    "a misspelt variable": variable("ANOMALIST_SEEED", "1", "ANOMALIST_SEEED", "did you mean 'ANOMALIST_SEED'?"),
    "a data folder that cannot be made": variable(
        "ANOMALIST_DATA_HOME", "payments.csv/x", "the folder cannot be made", "payments.csv/x", code=1
    ),
    "a file with a bad value": file("seed = 'x'\n", "my.toml: seed must be a whole number", "'x'"),
    "a file with an unknown key": file("sed = 3\n", "my.toml: there is no setting 'sed'; did you mean 'seed'?"),
    "a file that is not TOML": file("seed = \n", "my.toml cannot be read as TOML", "line 1"),
    "no file of settings": Bad(typed="--config none.toml config show", says=("--config: there is no file",), code=2),
    "a folder of settings": Bad(typed="--config . config show", says=("--config: there is no file",), code=2),
}
"""Settings from the environment and the configuration file."""

BAD_STORES = {
    "a store that is a text file": store("notes.txt", "notes.txt", "file is not a database; name another file"),
    "a run into a text file": store("notes.txt", "is not a database", command=f"run payments.csv {FOREST}"),
    "a check of a text file": store("notes.txt", "file is not a database", command="db check"),
    "an upgrade of a text file": store("notes.txt", "file is not a database", command="db upgrade"),
    "a store that is a folder": store(".", "unable to open database file"),
    "a store under a file": store("notes.txt/x.db", "the folder cannot be made", "name another"),
    "a store in memory": store("sqlite://", "a SQLite store needs a file", code=2),
    "a store on another database": store(
        "mysql://ann:s3cret@h/x", "a store cannot be on mysql: write sqlite:///FILE or postgresql", code=2
    ),
    "a store URL that is none": store("'postgresql://:s3cret@:x:y/'", "the store URL cannot be read", code=2),
    "a server that is not there": store(
        "postgresql://ann:s3cret@127.0.0.1:1/x", "postgresql://ann:***@127.0.0.1:1/x", "is the server running?"
    ),
    "a check of no store": store("none.db", "none.db: there is no such file yet", command="db check"),
    "a database of something else": store("other.db", "holds other tables and no store", "db upgrade", code=3),
}
"""Stores: exit code 1 where the database refuses, 2 where the URL is wrong, 3 where the schema is another."""
