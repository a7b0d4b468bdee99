"""Layer 2: the machine stages and the command line."""
