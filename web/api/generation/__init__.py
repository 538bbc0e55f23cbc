"""API routes of recipes, runs, wildcards, costs and suggestions.

The generation itself is implemented in `studio`.
"""
