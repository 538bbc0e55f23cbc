"""Memory of fans: facts that fans state about themselves, and summaries of their conversations.

Notes of members, which no model reads, are in `subscribers.inbox`.
"""
