"""Analysis of metrics: best times, A/B tests, and lessons from posts."""
