"""Runs detectors in processes of their own, so that nothing one of them does reaches the run, or the next detector."""
