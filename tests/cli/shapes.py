"""What the JSON of commands looks like, and what must not be in the text that people read."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["EVALUATION", "MEASURES", "NOISE", "REASON", "ROW", "RUN", "has"]

NUMBER = (int, float)
NOISE = re.compile(r"\b(?i:nan|inf)\b|None|True|False|\bnp\.|float64|<|\bobject\b|Timestamp|datetime\.")


def has(found: Any, shape: Any, where: str = "") -> None:
    """Check a JSON value against a shape: a type, several types, a list of one shape, or a dict of shapes."""
    if isinstance(shape, dict):
        assert isinstance(found, dict), where
        assert set(found) == set(shape), where
        for name, inner in shape.items():
            has(found[name], inner, f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(found, list), where
        assert found, where
        for index, item in enumerate(found):
            has(item, shape[0], f"{where}[{index}]")
    else:
        assert isinstance(found, shape), (where, found)
        assert isinstance(found, bool) == (shape is bool), (where, found)


MEMBER = {"detector": str, "status": str, "seconds": NUMBER, "error": (str, type(None)), "notes": list}
REASON = {"column": str, "actual": (str, int, float, type(None)), "typical": (str, int, float), "share": float}
RUN = {
    "id": str,
    "status": str,
    "model": {"name": str, "version": int},
    "rows": int,
    "columns": int,
    "seed": int,
    "seconds": NUMBER,
    "members": [MEMBER],
    "threshold": {"policy": str, "parameter": NUMBER, "value": float},
    "flagged": int,
    "notes": list,
}
ROW = {
    "key": str,
    "row": int,
    "score": float,
    "level": float,
    "probability": (float, type(None)),
    "flagged": bool,
    "members": {"isolation_forest": float},
    "reasons": [REASON],
    "moved": (dict, type(None)),
}
MEASURES = {
    "roc_auc": float,
    "average_precision": float,
    "precision": float,
    "recall": float,
    "f1": float,
    "precision_at": {"10": float, "50": float},
}
EVALUATION = {
    "rows": int,
    "anomalies": int,
    "flagged": int,
    "ensemble": MEASURES,
    "members": {"isolation_forest": MEASURES},
}
