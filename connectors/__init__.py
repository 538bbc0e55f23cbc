"""Adapters for platforms: pure functions that turn units into requests and read the responses.

They access no database and no queue. `channels` runs them and stores their results.
"""
