"""Tuning: a search for a detector's parameters, its record in the store, and an honest word on what it brought."""
