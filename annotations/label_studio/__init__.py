"""Review rounds on a Label Studio server: tasks go out, what people said comes back.

`connection` talks to the server, `ledger` remembers what was sent, `push`, `pull` and `status` use both.
"""
