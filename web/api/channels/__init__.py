"""API routes of channels."""
