"""Runs of recipes: queueing, generation, purchase, remote routing and records.

Recipes are in `recipes`, engines in `engines` and `generators`, leases of remote workers in
`remote_workers`.
"""
