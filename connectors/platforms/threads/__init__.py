"""Threads. Requests shared with Facebook and Instagram are in `meta`."""
