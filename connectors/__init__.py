"""Adapters for platforms, without database or queue: pure functions from units to requests."""
