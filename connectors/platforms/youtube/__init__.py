"""The connector for YouTube: videos with covers, and comments.

The daily quota that all channels of an application share is in `connectors/shared/rate_limits.py`.
"""
