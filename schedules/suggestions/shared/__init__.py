"""The engine of all suggestions: stored requests, generation, text checks and languages.

The prompts of each kind of suggestion are in its sub-package.
"""
