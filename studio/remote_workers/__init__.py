"""Runs leased to an agency's own remote workers, and the results they hand in."""
