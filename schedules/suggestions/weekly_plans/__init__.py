"""Suggested weekly plans: posts with times and texts, proposed from a brief.

Accepted posts become drafts in `drafts`.
"""
