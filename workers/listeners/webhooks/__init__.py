"""Webhooks of platforms, of their applications, and of age verification providers.

Polling is in `workers/listeners/polling`.
"""
