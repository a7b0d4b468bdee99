"""Reaching models: which endpoint serves which role, and the workspace's journal of calls."""
