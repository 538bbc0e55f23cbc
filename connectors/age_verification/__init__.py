"""Adapters for age verification providers: pure functions that return requests and read results.

`channels/age_verification` runs the checks and stores their results.
"""
