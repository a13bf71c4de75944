"""Retraining: a challenger that learns from verdicts, and its comparison with the champion."""
