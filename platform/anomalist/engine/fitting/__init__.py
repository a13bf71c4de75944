"""Fitting: from a request and a table to a fitted panel."""
