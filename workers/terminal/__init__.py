"""Output to the terminal, sessions, and lookup of what a person typed."""
