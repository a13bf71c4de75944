"""What is done to a PyOD object once it is fitted: what was for fitting goes, networks stop drawing and come home."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["settle"]

_HEAVY: dict[str, Any] = {
    "x_reduced_lst": [],  # of DIF: what its networks made of the training rows
    "best_model_dict": {},  # a copy of the weights that the model has
    "train_history": {},
    "hist_loss_disc": [],
    "hist_loss_gen": [],
    "hist_loss_discriminator": [],
    "hist_loss_generator": [],
}


def settle(model: Any, block: int) -> Any:
    """The object itself, ready to score blocks of `block` rows on the processor."""
    found = vars(model)
    for name, empty in _HEAVY.items():
        if name in found:
            found[name] = type(empty)()
    if "batch_size" in found and "torch" in sys.modules:
        found["batch_size"] = max(block, 2)
    if "device" in found:
        found["device"] = "cpu"
    if found.get("median_diff_") == 0:
        found["median_diff_"] = 1.0  # of MAD: at least half of the column is one value; deviations count as they are
    for value in list(found.values()):
        for each in value if isinstance(value, list) else [value]:
            _at_rest(each)
    return model


def _at_rest(value: Any) -> None:
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if isinstance(value, torch.nn.Module):
        for module in value.modules():
            if hasattr(module, "weight_orig"):
                torch.nn.utils.remove_spectral_norm(module)
        value.to("cpu").eval()
