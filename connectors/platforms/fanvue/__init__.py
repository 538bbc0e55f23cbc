"""Fanvue."""
