"""Notices about posts that wait: missing approvals, lost accounts, unregistered links."""
