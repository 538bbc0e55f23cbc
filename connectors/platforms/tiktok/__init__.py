"""The connector for TikTok: videos and their metrics.

TikTok offers no API for deletion and comments.
"""
