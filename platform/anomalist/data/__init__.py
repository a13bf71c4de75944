"""From a source to a Table to the Dataset that detectors see."""
