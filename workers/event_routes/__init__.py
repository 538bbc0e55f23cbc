"""The route of every event to its one handler."""
