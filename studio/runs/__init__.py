"""Runs of recipes: queue, generation, purchase and records."""
