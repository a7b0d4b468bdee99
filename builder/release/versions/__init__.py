"""Two releases compared: what changed, how much that is, and what the changelog says of it."""
