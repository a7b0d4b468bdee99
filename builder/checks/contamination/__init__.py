"""Items that stand elsewhere already: in files, in Hub datasets, in earlier releases."""
