"""Fans and their identities on accounts."""
