"""What models that are kept out of the ranking tell of a benchmark's items."""
