"""The gate: no post, message or file leaves without a permit from it.

It decides from facts in the database alone and calls no platform.
"""
