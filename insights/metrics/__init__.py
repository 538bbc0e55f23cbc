"""Metrics of posts and accounts: readings, followers and manual entry."""
