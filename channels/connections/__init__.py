"""Connections of accounts: setup forms, OAuth flow, token renewal, destination checks and
disconnection.

The states and credentials of accounts are in `channels/accounts`.
"""
