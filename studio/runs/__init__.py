"""Runs of recipes: queueing, generation, purchase, remote routing and records.

Recipes are in `recipes`, engines in `generators`, leases of remote workers in `remote_workers`.
"""
