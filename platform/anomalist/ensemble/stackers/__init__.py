"""One module a stacker: each learns from verdicts in its own way, behind the protocol of `anomalist.ensemble.stack`."""
