"""The rules that the texts of one item must keep, one module a family."""
