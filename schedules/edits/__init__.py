"""Edits of published posts: their table, states and transitions.

Requesting and sending edits is in `schedules.publishing`.
"""
