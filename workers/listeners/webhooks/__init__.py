"""Webhooks of platforms and of age verification providers."""
