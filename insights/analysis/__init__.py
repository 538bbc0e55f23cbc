"""Analysis of metrics: best times, A/B tests, and lessons from past posts. It does not collect
metrics; see `insights.metrics`."""
