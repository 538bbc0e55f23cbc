"""Limits on sending: rate limits of platforms, shared quotas, and monthly caps on request costs.

The limits of a single post (length, size, number of media) are in `connectors/contract`.
"""
