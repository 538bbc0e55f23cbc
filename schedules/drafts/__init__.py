"""Drafts: previews, duplicates, reposts and the requirements of each channel."""
