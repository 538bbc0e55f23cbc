"""Recurring posts: series, evergreen pools and A/B tests, and the planning of their deliveries.

Comparing the versions of an A/B test is in `insights/analysis`; free slots are in `availability`.
"""
