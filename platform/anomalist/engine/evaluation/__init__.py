"""Evaluation: known labels of rows, and how well scores agree with them."""
