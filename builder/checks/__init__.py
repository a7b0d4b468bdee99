"""Stage 3: what a machine can see wrong with items, before people are asked."""
