"""Readings of published posts: whether a copy is intact, and the reactions to it."""
