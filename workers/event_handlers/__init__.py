"""Event handlers that need several packages and so belong to none."""
