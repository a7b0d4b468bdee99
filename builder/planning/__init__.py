"""How many items a benchmark needs for what it is to show, and what so many items can show."""
