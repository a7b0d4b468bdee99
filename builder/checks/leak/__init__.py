"""How far the two options of an item tell which is positive, without the question."""
