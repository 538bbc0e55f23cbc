"""API routes of the library."""
