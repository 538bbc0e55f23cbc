"""Shared parts of the API: authentication, errors, pagination, rate limits, idempotency."""
