"""The offline model: a deterministic simulator that needs no network."""
