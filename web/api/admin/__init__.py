"""API routes of API keys, emergency stops and webhooks.

Members, roles and connected accounts are managed in the dashboard only.
"""
