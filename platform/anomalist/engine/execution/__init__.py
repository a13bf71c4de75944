"""Execution: many items side by side, each in its own time, none of which can stop or disturb the others."""
