"""Attempts: every request of a send with its response, so that a crash never sends twice."""
