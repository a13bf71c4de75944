"""The training kit for torch detectors: one loop, batched members, scaling, scoring in blocks; plugins use it too."""
