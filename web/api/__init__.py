"""The REST API under `/v1`, and the API of remote workers."""
