"""Notices to members, in the dashboard and by email."""
