"""Subscriptions as rows: plans, subscriptions, paid months, and the events of their endings.

Payments and endings are handled in `subscribers.checkout`.
"""
