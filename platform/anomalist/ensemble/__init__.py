"""Scores on one scale, one consensus, a threshold, and the reasons: what makes a panel of detectors one model."""
