"""Review: which rows an analyst is asked about next, and what each answer teaches."""
