"""The composition root: command line, processes, listeners, and the route of every event."""
