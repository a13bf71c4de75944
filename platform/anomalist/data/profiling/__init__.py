"""The parts of a profile: its columns, its time, and what looks like a leak of the label."""
