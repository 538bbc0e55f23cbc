"""Subscriptions: plans, paid months and endings."""
