"""The connector for Instagram: posts, reels, stories, comments and messages.

Requests shared with Facebook and Threads are in `connectors/platforms/meta`.
"""
