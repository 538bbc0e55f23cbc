"""The REST API under `/v1`, and the API of remote workers.

The tools of AI assistants, which call the same functions, are in `mcp`.
"""
