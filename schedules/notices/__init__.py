"""Notices about posts that wait: for approvals, accounts, intervals, decisions and links.

Notices themselves are stored in `tenants`.
"""
