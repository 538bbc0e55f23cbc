"""Suggested ideas for posts."""
