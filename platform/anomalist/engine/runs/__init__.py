"""Runs: fit or score rows, store what was found, and read it again."""
