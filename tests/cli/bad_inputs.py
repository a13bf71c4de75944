"""The catalogue of bad inputs: what is typed, over which files, the exit code, and what the one line of error says."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.cli.samples import FOREST, payments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BAD_DATA", "BAD_FEEDBACK", "BAD_NEW_ROWS", "Bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One bad input.

    Attributes:
        typed: What is typed after `anomalist`; FOREST stands for a quick detector.
        says: What the line of error holds, each of these.
        code: The exit code.
        files: What is in the working directory, by name.
        environ: Variables.
    """

    typed: str
    says: tuple[str, ...]
    code: int
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


def run(content: str | bytes, options: str, *says: str, name: str = "a.csv") -> Bad:
    """Bad data for `run`: refused with exit code 4."""
    typed = f"run {name} {options} {FOREST}"
    return Bad(typed=typed, says=(name, *says), code=4, files={name: content})


def score(content: str, *says: str, options: str = "") -> Bad:
    """Bad rows for `score`: refused with exit code 4."""
    typed = f"score new.csv --model m {options}"
    return Bad(typed=typed, says=("new.csv", *says), code=4, files={"new.csv": content})


def verdicts(content: str | bytes, *says: str, options: str = "", name: str = "v.csv") -> Bad:
    """A bad file for `feedback import`: refused with exit code 4."""
    typed = f"feedback import {name} --run latest --analyst ann {options}"
    return Bad(typed=typed, says=(name, *says), code=4, files={name: content})


def once(row: int, value: str) -> Callable[[int, str], str]:
    """Another value in one row, counted from 1."""
    return lambda i, before: value if i + 1 == row else before


def all_of(value: str) -> Callable[[int, str], str]:
    """The same value in every row."""
    return lambda _, __: value


PACKED = gzip.compress(payments().encode())
MANY = "1,2\n" * 20

BAD_DATA = {
    "text among the numbers of a column": run(
        payments(amount=once(31, "twelve")), "--key id", "row 31", "'amount'", "'twelve'", "correct or empty it"
    ),
    "a thousands comma under a one-column header": run(
        "amount\n" + "12\n" * 20 + "1,234\n", "", "line 22 has 2 fields where the header has 1", "quote"
    ),
    "thousands commas all the way down": run("amount\n" + "1,234\n" * 20, "", "line 2 has 2 fields"),
    "every value missing": run("a,b\n" + ",\n" * 20, "", "a: constant: every value is missing"),
    "constant columns only": run("a,b\n" + "1,x\n" * 20, "", "every value is 'x'", "give one a role"),
    "nothing but a key and a label": run(
        payments(amount=None, weight=None, city=None, when=None), "--key id --label fraud", "no column"
    ),
    "a column name twice": run("a,b,a\n" + "1,2,3\n" * 20, "", "'a' appears twice", "columns 1 and 3"),
    "an empty header": run(",,\n" + "1,2,3\n" * 20, "", "the header is empty", "name the columns"),
    "no file": Bad(
        typed=f"run paiments.csv {FOREST}", says=("no file 'paiments.csv'", "did you mean 'payments.csv'?"), code=4
    ),
    "no folder": Bad(typed=f"run far/away.csv {FOREST}", says=("'far/away.csv'", "no folder far"), code=4),
    "a folder": Bad(typed=f"run . {FOREST}", says=("is a folder", "name one file in it"), code=4),
    "an empty file": run("", "", "a.csv is empty"),
    "blank lines": run("\n\n\n", "", "nothing but blank lines"),
    "a header and no rows": run("a,b\n", "", "2 columns and no rows"),
    "one row": run("a,b\n1,2\n", "", "at least 10 rows", "got 1"),
    "nine rows": run("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(9)), "", "got 9"),
    "bytes that are no text": run(bytes(range(256)) * 4, "", "line 1 holds a NUL byte", "UTF-8"),
    "UTF-16 without its mark": run("a,b\n1,2\n".encode("utf-16-le"), "", "NUL byte", "save it as UTF-8"),
    "a line of another encoding": run(
        b"a,b\n" + "é,1\n".encode() * 5 + b"\xff,1\n", "", "line 7", "the byte 0xFF", "not UTF-8"
    ),
    "a truncated gzip file": run(PACKED[:200], "", "is damaged", "decompressed", name="a.csv.gz"),
    "text under the name of a gzip file": run(payments(), "", "is not gz data", name="a.csv.gz"),
    "an unknown ending": run(payments(), "", "'.foo' are not known", ".parquet", "name the format", name="a.foo"),
    "a workbook": run(b"PK\x03\x04" + b"0" * 99, "--format csv", "zip archive or an Excel", name="a.xlsx"),
    "a Parquet file that is none": run(payments(), "", "not a Parquet file, or is damaged", name="a.parquet"),
    "a Parquet file cut short": run(b"PAR1" + b"0" * 99, "", "damaged", name="a.parquet"),
    "a line that is not JSON": run('{"a": 1}\n{"a":\n', "", "line 2 is not JSON", name="a.jsonl"),
    "a line that is no object": run('{"a": 1}\n[1, 2]\n', "", "line 2 is a JSON list", name="a.jsonl"),
    "JSON that ends too early": run('[{"a": 1},', "", "is not JSON", name="a.json"),
    "a row that is too long": run("a,b\n" + MANY + "1,2,3\n", "", "line 22 has 3 fields where the header has 2"),
    "a row that is too short": run("a,b\n" + MANY + "1\n", "", "line 22 has 1 field where", "add what is missing"),
    "a quote that stays open": run("a,b\n" + MANY + '1,"2\n3,4\n', "", "quote is opened in line 22"),
    "a key that stands twice": run(payments(id=once(31, "r3")), "--key id", "'r3'", "rows 4, 31", "name one row"),
    "a key that is missing": run(payments(id=once(31, "")), "--key id", "'id' is empty in row 31"),
    "an unknown key column": run(payments(), "--key ids", "no column 'ids' to use as key", "did you mean 'id'?"),
    "an unknown time column": run(payments(), "--time wenn", "no column 'wenn' to use as time", "'when'?"),
    "an unknown entity column": run(payments(), "--entity who", "no column 'who' to use as entity", "the columns are"),
    "an unknown label column": run(payments(), "--label froud", "no column 'froud' to use as label", "'fraud'?"),
    "an unknown column to ignore": run(payments(), "--ignore wait", "no column 'wait'", "ignored"),
    "a role for an unknown column": run(payments(), "--role town=numeric", "no column 'town'"),
    "a number role for words": run(payments(), "--role city=numeric", "row 1", "'city'", "'Basel' is not a number"),
    "a time that cannot be read": run(payments(when=once(31, "soon")), "--time when", "row 31", "'soon' is not a date"),
    "a day that does not exist": run(payments(when=once(31, "2024-02-30")), "--time when", "row 31", "'2024-02-30'"),
    "a time that is missing": run(payments(when=once(31, "")), "--time when", "'when' has no value in row 31"),
    "a time of words": run(payments(), "--time city", "row 1", "'Basel' is not a date"),
    "labels of three kinds": run(payments(), "--label city", "'city' has 3 values", "'Basel', 'Bern', 'Chur'"),
    "a positive label that never occurs": run(
        payments(), "--label fraud --positive yes", "'fraud' never holds 'yes'", "'0', '1'"
    ),
    "a label column without a label": run(payments(fraud=all_of("")), "--label fraud", "'fraud' holds no value"),
    "a threshold from labels of one kind": run(
        payments(fraud=all_of("0")), "--label fraud --f-beta 1", "'fraud'", "0 anomalies among 60"
    ),
    "too few rows for a false-positive rate": Bad(
        typed=f"run payments.csv --fpr 0.001 {FOREST}",
        says=("needs at least 999 held-out rows, got 12", "ask for a higher rate or use --budget"),
        code=4,
    ),
    "a profile of no file": Bad(typed="profile none.csv", says=("no file 'none.csv'",), code=4),
    "a profile of a ragged file": Bad(
        typed="profile a.csv", says=("a.csv", "line 3 has 1 field"), code=4, files={"a.csv": "a,b\n1,2\n3\n"}
    ),
    "a profile with an unknown label": Bad(typed="profile payments.csv --label froud", says=("'froud'",), code=4),
}
"""Data that `run` and `profile` refuse."""

BAD_NEW_ROWS = {
    "a missing column": score(payments(weight=None), "column 'weight' is missing", "the model was fitted with it"),
    "a column under another name": score(
        payments(weight=None, Weight=all_of("1")), "'weight' is missing", "did you mean 'Weight'?"
    ),
    "words where numbers were": score(payments(amount=all_of("high")), "row 1", "'amount'", "'high' is not a number"),
    "one word where numbers were": score(payments(amount=once(4, "high")), "row 4", "'amount'", "'high'"),
    "dates where numbers were": score(
        payments(amount=all_of("2024-01-01")), "row 1", "'amount'", "'2024-01-01' is not a number"
    ),
    "numbers where dates were": score(
        payments(when=lambda i, _: str(i)), "row 1", "'when'", "'0' is not a date", "like 2024-12-31"
    ),
    "no new rows": score(payments(rows=0), "no rows"),
    "a column of the new rows twice": score("amount,amount\n1,2\n", "'amount' appears twice"),
    "new labels of three kinds": score(payments(), "'city' has 3 values", options="--label city"),
    "a key of new rows twice": score(payments(id=all_of("r1")), "'r1'", options="--key id"),
    "labels of one kind to evaluate with": Bad(
        typed="evaluate new.csv --label fraud --model m",
        says=("new.csv", "'fraud'", "0 anomalies among 60 labels", "as positive"),
        code=4,
        files={"new.csv": payments(fraud=all_of("0"))},
    ),
    "no rows to retrain on": Bad(typed="retrain m --data none.csv", says=("there is no file 'none.csv'",), code=4),
    "too few rows to retrain on": Bad(
        typed="retrain m --data new.csv --key id",
        says=("new.csv", "at least 10 rows are needed", "got 9"),
        code=4,
        files={"new.csv": payments(rows=9)},
    ),
    "rows to retrain on that a kept member cannot read": Bad(
        typed="retrain m --data new.csv --if-needed",
        says=("new.csv", "column 'weight' is missing"),
        code=4,
        files={"new.csv": payments(weight=None)},
    ),
    "labels of three kinds to retrain with": Bad(
        typed="retrain m --data payments.csv --label city", says=("payments.csv", "'city' has 3 values"), code=4
    ),
    "words among the numbers to retrain on": Bad(
        typed="retrain m --data new.csv --key id",
        says=("new.csv", "row 4", "'amount'", "'high'"),
        code=4,
        files={"new.csv": payments(amount=once(4, "high"))},
    ),
    "no such label to evaluate with": Bad(
        typed="evaluate latest --label nope", says=("payments.csv", "no column 'nope'"), code=4
    ),
    "labels of three kinds to evaluate with": Bad(
        typed="evaluate latest --label city", says=("payments.csv", "'city' has 3 values"), code=4
    ),
    "other rows than those of the run": Bad(
        typed="evaluate latest --label fraud --data new.csv",
        says=("new.csv", "its rows are not those of run"),
        code=4,
        files={"new.csv": payments(rows=30)},
    ),
    "other rows to explain": Bad(
        typed="explain latest r20 --data new.csv",
        says=("new.csv", "not those of run"),
        code=4,
        files={"new.csv": payments(rows=30)},
    ),
    "no rows to explain": Bad(typed="explain latest r20 --data none.csv", says=("no file 'none.csv'",), code=4),
    "no rows to evaluate": Bad(typed="evaluate none.csv --label fraud", says=("no file 'none.csv'",), code=4),
}
"""Data that `score`, `evaluate` and `explain` refuse where the model `m` is there."""

BAD_FEEDBACK = {
    "no file of verdicts": Bad(typed="feedback import none.csv --run latest", says=("no file 'none.csv'",), code=4),
    "an empty file of verdicts": verdicts("", "v.csv is empty"),
    "a header without verdicts": verdicts("id,verdict\n", "there are no verdicts in it"),
    "verdicts of an unknown ending": verdicts("id,verdict\nr7,1\n", "'.foo' are not known", name="v.foo"),
    "a workbook of verdicts": verdicts(b"PK\x03\x04" + b"0" * 99, "zip archive or an Excel"),
    "a short line among verdicts": verdicts("id,verdict\nr7,1\nr8\n", "line 3 has 1 field where the header has 2"),
    "a line of verdicts that is not JSON": verdicts('{"id": "r7"}\n{"id"\n', "line 2 is not JSON", name="v.jsonl"),
    "no column of verdicts": verdicts("id,label\nr7,1\n", "no column 'verdict'", "'id', 'label'", "--verdict COL"),
    "an unknown column of verdicts": verdicts(
        "id,label\nr7,1\n", "no column 'lable'; did you mean 'label'?", "--verdict COL", options="--verdict lable"
    ),
    "an unknown column of keys": verdicts(
        "name,verdict\nr7,1\n", "no column 'nome'; did you mean 'name'?", "--key COL", options="--key nome"
    ),
    "an unknown key in a file": verdicts(
        "id,verdict\nr7,1\nr99,1\n", "line 3:", "no row with the key 'r99'", "other 1"
    ),
    "a key that is empty in a file": verdicts("id,verdict\n,1\n", "line 2: there is no key in column 'id'"),
    "a word that is no verdict": verdicts("id,verdict\nr7,yes\n", "line 2: 'yes' is no verdict", "--map VALUE=VERDICT"),
    "a number that is no verdict": verdicts("id,verdict\nr7,2\n", "line 2: '2' is no verdict"),
    "no verdict in any line": verdicts("id,verdict\nr7,\nr8,\n", "column 'verdict' is empty in every line"),
    "two verdicts of one analyst": verdicts(
        "id,verdict\nr7,1\nr8,1\nr7,0\n", "line 4: ann says something else of 'r7' in line 2", "column 'time'"
    ),
    "bad lines only, even in part": verdicts("id,verdict\nr99,1\n", "line 2:", "'r99'", options="--partial"),
    "a time of a verdict in words": verdicts("id,verdict,time\nr7,1,now\n", "line 2: 'now' is no time such as"),
    "an unknown way to be asked": verdicts(
        "id,verdict,asked\nr7,1,by mail\n", "asked must be one of top,", "'by mail'"
    ),
    "a probability above one": verdicts(
        "id,verdict,probability\nr7,1,50\n", "line 2: probability", "at most 1, got 50"
    ),
    "a probability in words": verdicts("id,verdict,probability\nr7,1,low\n", "probability must be a number, got 'low'"),
    "a note that rings the bell": verdicts("id,verdict,note\nr7,1,a\x07b\n", "line 2: note", "control characters"),
    "verdicts on other data": verdicts("key,verdict,dataset\nr7,1,abcd\n", "line 2: it is about the data 'abcd'"),
    "verdicts without keys or values": verdicts(
        "who,verdict\nann,1\n", "no column 'key' and none of the data", "--key"
    ),
    "values of no row": verdicts("amount,weight,verdict\n1,2,1\n", "line 2: no row of run", "(in amount, weight)"),
    "values of many rows": verdicts("city,verdict\nBern,1\n", "line 2: 20 rows have these values (in city)", "r1, r4"),
    "words for a number to match": verdicts("amount,verdict\nhigh,1\n", "row 1", "'amount'", "'high' is not a number"),
    "other rows to take values from": Bad(
        typed="feedback add latest r20 anomaly --data new.csv",
        says=("new.csv", "not those of run"),
        code=4,
        files={"new.csv": payments(rows=30)},
    ),
    "no rows to take values from": Bad(
        typed="feedback add latest r20 anomaly --data none.csv", says=("no file 'none.csv'",), code=4
    ),
}
"""Files that `feedback` refuses where there is one run: nothing of them is stored."""
