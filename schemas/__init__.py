"""Layer 0: what a row is, and how rows are kept; no network and no model."""
