"""History of fans: the timeline of messages and sales, recent activity, and the import of past
data.

Current conversations and orders are in `subscribers.conversations` and `subscribers.orders`.
"""
