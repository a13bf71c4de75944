"""Monitoring: whether new rows are still what a model was fitted on."""
