"""The connector for X: posts, threads, comments and direct messages.

Text counting and API costs are in `connectors/shared`.
"""
