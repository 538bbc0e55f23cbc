"""The connector for manual posting: a member publishes the prepared post and confirms it.

It sends no requests to a platform. The manual tasks themselves are in `channels`.
"""
