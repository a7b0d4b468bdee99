"""Rounds on Label Studio in a workspace: which server, what is sent, what is fetched, how far it is."""
