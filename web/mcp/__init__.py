"""The MCP endpoint: the API as tools for language models."""
