"""Names of models, as users give them or after the file that a model was fitted on."""

from __future__ import annotations

import re

from anomalist.errors import UsageError

__all__ = ["check_model_name", "model_name"]


def check_model_name(name: str) -> str:
    """Take a name as the user gave it, if it can be typed without quotes and read back in `NAME:version`.

    Raises:
        UsageError: It holds anything but letters, digits, `_`, `-` and `.`.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        hint = re.sub(r"[^\w.-]+", "_", name).strip("_.") or "model"
        raise UsageError(f"a model name holds only letters, digits, '_', '-' and '.', got {name!r}; {hint!r} would do")
    return name


def model_name(wanted: str) -> str:
    """A name after a file, that can be typed without quotes; endings such as `.csv.gz` go.

    >>> model_name("March payments (new).csv.gz")
    'March_payments_new'
    """
    stem = re.sub(r"(\.(csv|tsv|txt|parquet|pq|jsonl|ndjson|json|gz|zst|bz2|xz))+$", "", wanted, flags=re.IGNORECASE)
    return re.sub(r"[^\w.-]+", "_", stem).strip("_.") or "model"
