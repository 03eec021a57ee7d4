"""Rewriting graphs: each file one function ``Graph -> Graph``. Passes know ops, and no array library."""
