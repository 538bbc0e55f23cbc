"""Readings of published posts: whether a copy is intact, its numbers and its reactions.

The history of the numbers is stored by `insights/metrics`.
"""
