"""Connecting accounts: setup forms, OAuth flow, token renewal, destination checks,
disconnection."""
