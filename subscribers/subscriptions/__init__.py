"""Subscription tables and queries: plans, subscriptions, paid months, and the events sent when a
subscription ends.

Payments and endings are handled in `subscribers.checkout`.
"""
