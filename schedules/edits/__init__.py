"""Edits of published posts: the table, states and transitions.

Requesting and sending edits is in `schedules.publishing`.
"""
