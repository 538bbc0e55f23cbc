"""Suggested weekly plans."""
