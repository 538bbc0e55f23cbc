"""Commands for generation: recipes and their runs, wildcards, voices and speech.

Recipes and runs are in the package `studio`, engines in `generators`.
"""
