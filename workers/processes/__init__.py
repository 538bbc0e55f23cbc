"""The processes that the supervisor starts."""
