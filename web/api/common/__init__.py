"""Shared parts of the API: authentication, errors, pagination, rate limits and idempotency.

The routes are in the sibling packages.
"""
