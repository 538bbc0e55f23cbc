"""API routes of posts, deliveries, approvals, labels and review comments.

Series, drafts and bulk changes of the calendar are in `planning`.
"""
