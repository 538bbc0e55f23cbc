"""Suggested alt texts."""
