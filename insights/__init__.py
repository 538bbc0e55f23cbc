"""Metrics of posts and accounts, their analysis, and reports.

It reads what other packages record and takes no decisions.
"""
