"""API routes of creators and channels.

Connecting an account is possible in the dashboard only.
"""
