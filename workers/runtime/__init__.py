"""The runtime: supervisor, start, embedded servers and child processes."""
