"""Releases for other tools: their rows enter; what Inspect, lm-evaluation-harness and Label Studio read leaves."""
