"""Costs: quotas, spending caps, and reports on what was spent."""
