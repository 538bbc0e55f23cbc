"""Commands of the studio: runs of recipes, voices and wildcards."""
