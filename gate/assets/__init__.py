"""Assets: the origin, renditions and derivations of every file."""
