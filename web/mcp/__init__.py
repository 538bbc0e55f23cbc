"""The MCP server: operations of the REST API as tools for AI assistants.

The operations are implemented in `api`.
"""
