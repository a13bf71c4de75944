"""Feedback: what analysts say of rows, stored, read from files, and made into what a model can learn."""
