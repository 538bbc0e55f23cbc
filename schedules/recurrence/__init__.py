"""Recurring posts: series, evergreen pools and A/B tests."""
