"""Costs of generation: quotas, spending caps, text request accounting and reports.

Revenue and bookkeeping are elsewhere; this package counts only what engines cost.
"""
