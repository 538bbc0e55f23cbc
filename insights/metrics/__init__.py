"""Metrics of posts and accounts: readings at equal ages, followers and manual entry. The requests
to platforms are in `channels.metrics`; daily totals are in `insights.rollups`."""
