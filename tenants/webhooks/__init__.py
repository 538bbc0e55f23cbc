"""Webhooks that call an agency's own systems."""
