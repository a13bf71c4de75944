"""What of PyOD is not offered, and why."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LEFT_OUT"]

_GRAPH = "works on graphs (torch_geometric), and rows have no edges"
_LABELS = "needs labels to be fitted; here verdicts are learned from by a stacker, whatever the detectors"
_PANEL = "; that is what a run does: give --detector several times"
_GAN = (
    "its score is the discriminator's belief that a row is real, and which side is odd depends on the data: over eight "
    "seeds 51 to 75 % of the kit's pairs are in order, "
)

LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "MatrixProfile (ts_matrix_profile)": "scores the series that it was fitted on; asked about another, it "
        "raises NotImplementedError",
        "ANOMALOUS (pyg_anomalous)": _GRAPH,
        "AnomalyDAE (pyg_anomalydae)": _GRAPH,
        "CONAD (pyg_conad)": _GRAPH,
        "CoLA (pyg_cola)": _GRAPH,
        "DOMINANT (pyg_dominant)": _GRAPH,
        "GUIDE (pyg_guide)": _GRAPH,
        "Radar (pyg_radar)": _GRAPH,
        "SCAN (pyg_scan)": _GRAPH,
        "AudioAE (audio_ae)": "works on sound",
        "EmbeddingOD (embedding)": "works on texts and images through encoders that are downloaded",
        "MultiModalOD (embedding)": "works on texts and images through encoders that are downloaded",
        "DevNet (devnet)": _LABELS,
        "XGBOD (xgbod)": _LABELS,
        "LSCP (lscp)": "picks among the scores of a list of other detectors, which has no default" + _PANEL,
        "SUOD (suod)": "averages a list of other detectors, run by the package suod, which PyOD does not bring"
        + _PANEL,
        "MO_GAAL (mo_gaal)": _GAN + "with the same rows scaled to 0..1 only 1 to 45 %",
        "SO_GAAL (so_gaal)": _GAN + "with the same rows scaled to 0..1 only 27 to 58 %",
        "SO_GAAL (so_gaal_new)": "its generator is never trained, as its loss is that of the noise, so that its score "
        "says how unlike a row is to noise of 0..1: over eight seeds 55 to 87 % of the kit's pairs are in order",
        "RGraph (rgraph)": "scores rows against each other, so that each would be scored beside others: that takes "
        "3.3 s a row beside 100, and puts all rows far out below the ordinary ones",
    }
)
"""As `Class (module)`, with the reason."""
