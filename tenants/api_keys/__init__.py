"""API keys of programs and of remote workers."""
