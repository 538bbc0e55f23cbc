"""Accounts on platforms: connecting them, sending under a permit, and reading what comes back.

When to post is decided in `schedules`, what to answer fans in `subscribers`.
"""
