"""One module a format: each returns the rows of a file or a query as they are, and what there is to say about them."""
