"""Layer 1: what people decide about items, and how their answers are kept."""
