"""Stage 6: adjudicated items become an immutable, versioned dataset folder."""
