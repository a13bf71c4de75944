"""One module a kind of column: each is fitted on a source column and writes its share of the encoded matrix."""
