"""Conversations as rows: messages, drafts, comments, owners, and the age and crisis signals in
texts.

Nothing here sends a message (`subscribers.delivery`) or generates a reply (`subscribers.replies`).
"""
