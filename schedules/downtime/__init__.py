"""Downtimes of the installation or of an account, and the posts that were missed during them.

Posts that are late for other reasons are in `publishing`; emergency stops are set in `gate`.
"""
