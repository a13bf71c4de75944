"""Goods: what a run gives to code of plugins, and frames that it gets back, as plain values and arrays."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from anomalist.data.dataset import Dataset
from anomalist.ensemble.stack import Evidence, Lesson
from anomalist.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from anomalist.data.table import Table

__all__ = ["Goods", "frame_from", "frame_to", "goods_from", "goods_to"]

_DATASET = ("values", "columns", "origins", "time", "entity")
_EVIDENCE = ("consensus", "surprises", "columns")

Goods: TypeAlias = "Dataset | Evidence | Lesson | Table"


def goods_to(goods: Goods) -> dict[str, Any]:
    """What a method is given, as plain values; `is` says what it is."""
    if isinstance(goods, Dataset):
        return {"is": "dataset", **{name: getattr(goods, name) for name in _DATASET}}
    if isinstance(goods, Evidence):
        return {"is": "evidence", **{name: getattr(goods, name) for name in _EVIDENCE}}
    if isinstance(goods, Lesson):
        return {
            "is": "lesson",
            "judged": goods_to(goods.judged),
            "labels": goods.labels,
            "background": goods_to(goods.background),
            "rate": goods.rate,
            "seed": goods.seed,
        }
    return {
        "is": "table",
        "frame": frame_to(goods.frame),
        "keys": frame_to(goods.keys.to_frame()),
        "source": goods.source,
        "notes": goods.notes,
        "why": goods.why,
        "reading": goods.reading.to_dict(),
    }


def goods_from(plain: Mapping[str, Any]) -> Goods:
    """The same again, in the child; polars is imported where it is a table."""
    given = dict(plain)
    kind = given.pop("is")
    if kind == "dataset":
        return Dataset(**{**given, "columns": tuple(given["columns"]), "origins": tuple(given["origins"])})
    if kind == "evidence":
        return Evidence(**given)
    if kind == "lesson":
        return Lesson(**{**given, "judged": goods_from(given["judged"]), "background": goods_from(given["background"])})
    from anomalist.data.conventions import Reading
    from anomalist.data.table import Table

    reading = Reading.from_dict(given["reading"])
    return Table(
        frame=frame_from(given["frame"]),
        roles=reading.roles,
        keys=frame_from(given["keys"]).to_series(),
        source=given["source"],
        notes=tuple(given["notes"]),
        why=given["why"],
        conventions=reading.conventions,
    )


def frame_to(frame: pl.DataFrame) -> Any:
    """A frame as bytes of Arrow IPC.

    Raises:
        TypeError: A column holds Python objects, which have no such form.
    """
    objects = [name for name, kind in frame.schema.items() if str(kind) == "Object"]
    if objects:
        raise TypeError(f"column {objects[0]!r} holds Python objects, which cannot leave a process; make them text")
    file = io.BytesIO()
    frame.write_ipc(file)
    return np.frombuffer(file.getbuffer(), dtype=np.uint8)


def frame_from(plain: Any, of: str = "it") -> pl.DataFrame:
    """The frame again; `of` says in errors who gave it.

    Raises:
        PluginError: The bytes are no frame.
    """
    import polars as pl  # heavy, and most children see no frame

    try:
        return pl.read_ipc(io.BytesIO(plain))
    except (Exception, pl.exceptions.PanicException) as error:
        raise PluginError(f"{of} gave a frame that cannot be read: {type(error).__name__}") from error
