"""The safety check: nothing is published, sent or delivered without a permit from this package.

It decides from facts in the database alone and calls no platform.
"""
