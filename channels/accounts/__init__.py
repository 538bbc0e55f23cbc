"""Accounts on platforms: their credentials, lifecycle and OAuth clients."""
