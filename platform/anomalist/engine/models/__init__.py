"""Models: their files, their versions, and the parts that are named: combiners, stackers, features."""
