"""Additions of members to Analytics: goals of creators, annotations of charts and saved views. The
metrics themselves are in `metrics` and `rollups`."""
