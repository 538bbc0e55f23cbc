"""Drafts: write, schedule and rewrite posts; previews, duplicates, reposts and channel
requirements.

Approvals are in `schedules.approvals`; texts proposed by a model are in `schedules.suggestions`.
"""
