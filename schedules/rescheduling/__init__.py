"""Moves of scheduled posts: drag and drop, bulk moves, pauses and account failover."""
