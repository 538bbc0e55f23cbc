"""The connector for Threads: posts, threads and comments.

Requests shared with Facebook and Instagram are in `connectors/platforms/meta`.
"""
