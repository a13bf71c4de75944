"""The room of the database and the model files: what every run, score and verdict is kept in."""
