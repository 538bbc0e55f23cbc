"""API routes of posts, deliveries, approvals, labels and review comments.

Series, imports and bulk moves are in `planning`.
"""
