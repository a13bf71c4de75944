"""Finds the installed plugins, keeps their failures apart, and gives detectors by name."""
