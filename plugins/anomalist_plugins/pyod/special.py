"""Objects whose data is not in their attributes: trees, indices for neighbours, torch tensors and modules.

Each is written as arrays and plain values, and made anew by the library that it belongs to.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["KINDS", "attributes", "empty", "fill"]

Fields = dict[str, Any]

_PARTS_OF_MODULE = ("_parameters", "_buffers", "_modules")


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _write_tensor(value: Any) -> Fields:
    import torch

    array = value.detach().cpu().numpy()
    return {"values": np.ascontiguousarray(array).reshape(array.shape), "parameter": type(value) is torch.nn.Parameter}


def _read_tensor(fields: Fields) -> Any:
    import torch

    tensor = torch.from_numpy(np.array(fields["values"]))
    return torch.nn.Parameter(tensor, requires_grad=False) if fields["parameter"] else tensor


def _is_tree(value: Any) -> bool:
    return type(value).__module__ == "sklearn.tree._tree" and type(value).__name__ == "Tree"


def _write_tree(tree: Any) -> Fields:
    state = tree.__getstate__()
    nodes = state["nodes"]
    fields = {
        "columns": int(tree.n_features),
        "classes": np.asarray(tree.n_classes),
        "outputs": int(tree.n_outputs),
        "depth": int(state["max_depth"]),
        "values": state["values"],
    }
    return {**fields, **{f"node_{name}": np.ascontiguousarray(nodes[name]) for name in nodes.dtype.names}}


def _read_tree(fields: Fields) -> Any:
    from sklearn.tree._tree import NODE_DTYPE, Tree

    columns = fields["columns"]
    nodes = np.zeros(len(fields["node_left_child"]), dtype=NODE_DTYPE)
    for name in NODE_DTYPE.names:
        nodes[name] = fields[f"node_{name}"]
    children = np.concatenate([nodes["left_child"], nodes["right_child"]])
    inner = nodes["left_child"] >= 0
    # a walk down a tree follows these numbers without looking
    if (
        (children >= len(nodes)).any()
        or (nodes["feature"][inner] >= columns).any()
        or (nodes["feature"][inner] < 0).any()
    ):
        raise ValueError("a tree points outside of itself")
    after = np.arange(len(nodes))[inner]
    if (nodes["left_child"][inner] <= after).any() or (nodes["right_child"][inner] <= after).any():
        raise ValueError("a tree runs in a circle")
    tree = Tree(columns, np.asarray(fields["classes"], dtype=np.intp), fields["outputs"])
    state = {"max_depth": fields["depth"], "node_count": len(nodes), "nodes": nodes, "values": fields["values"]}
    tree.__setstate__(state)
    return tree


_INDICES = ("KDTree", "BallTree")


def _is_index(value: Any) -> bool:
    return type(value).__name__ in _INDICES and type(value).__module__.startswith("sklearn.neighbors.")


def _write_index(index: Any) -> Fields:
    state = index.__getstate__()
    return {
        "index": type(index).__name__,
        "data": np.asarray(state[0]),
        "leaf": int(state[4]),
        "metric": state[11],
        "weights": None if state[12] is None else np.asarray(state[12]),
    }


def _read_index(fields: Fields) -> Any:
    from sklearn.neighbors import BallTree, KDTree

    cls = {"KDTree": KDTree, "BallTree": BallTree}[fields["index"]]
    return cls(fields["data"], leaf_size=fields["leaf"], metric=fields["metric"], sample_weight=fields["weights"])


def _is_metric(value: Any) -> bool:
    return type(value).__module__ == "sklearn.metrics._dist_metrics"


def _write_metric(metric: Any) -> Fields:
    name = type(metric).__name__.removesuffix("64").removesuffix("32").removesuffix("Distance").lower()
    return {"name": name, "p": float(metric.__getstate__()[0]) if name == "minkowski" else None}


def _read_metric(fields: Fields) -> Any:
    from sklearn.metrics import DistanceMetric

    return DistanceMetric.get_metric(fields["name"], **({} if fields["p"] is None else {"p": fields["p"]}))


def _is_sparse(value: Any) -> bool:
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and sparse.issparse(value)


def _write_sparse(matrix: Any) -> Fields:
    rows = matrix.tocsr()
    return {"data": rows.data, "indices": rows.indices, "starts": rows.indptr, "shape": list(rows.shape)}


def _read_sparse(fields: Fields) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix((fields["data"], fields["indices"], fields["starts"]), shape=tuple(fields["shape"]))


def _is_device(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.device)


KINDS: Mapping[str, tuple[Callable[[Any], bool], Callable[[Any], Fields], Callable[[Fields], Any]]] = {
    "tensor": (_is_tensor, _write_tensor, _read_tensor),
    "tree": (_is_tree, _write_tree, _read_tree),
    "index": (_is_index, _write_index, _read_index),
    "metric": (_is_metric, _write_metric, _read_metric),
    "sparse": (_is_sparse, _write_sparse, _read_sparse),
    "device": (_is_device, lambda _: {}, lambda _: "cpu"),  # what was fitted elsewhere is scored on the processor
}
"""By name: whether an object is one, its fields, and the object of its fields."""


def attributes(value: Any) -> Mapping[str, Any]:
    """What there is to keep of an object of a class; of a torch module its tensors, its modules and its settings."""
    found: dict[str, Any] = dict(vars(value))
    if not _is_module(value):
        return found
    kept = {name: dict(found.pop(name)) for name in _PARTS_OF_MODULE}
    unused = {name for name in found if name.endswith("_hooks") or "_hooks_" in name or name.startswith("_non_pers")}
    return {**kept, **{name: item for name, item in found.items() if name not in unused and not callable(item)}}


def empty(cls: type) -> Any:
    """An object of a class, its `__init__` not called; a torch module has its empty registers."""
    made: Any = object.__new__(cls)
    torch = sys.modules.get("torch")
    if torch is not None and issubclass(cls, torch.nn.Module):
        torch.nn.Module.__init__(made)
    return made


def fill(made: Any, found: Mapping[str, Any]) -> None:
    """Give an empty object its attributes."""
    registers = _PARTS_OF_MODULE if _is_module(made) else ()
    for name in registers:
        vars(made)[name].update(found[name])
    vars(made).update((name, item) for name, item in found.items() if name not in registers)


def _is_module(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)
