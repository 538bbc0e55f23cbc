"""What members add to Analytics: goals of creators, annotations of charts and saved views. The
metrics themselves are in `metrics` and `rollups`."""
