"""The use-cases: where detectors, ensembles and the database meet."""
