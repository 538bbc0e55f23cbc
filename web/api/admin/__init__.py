"""API routes of emergency stops and webhooks."""
