"""The connector for TikTok: videos and their metrics.

TikTok has no API for deleting videos; a member deletes them manually.
"""
