"""Suggested captions."""
