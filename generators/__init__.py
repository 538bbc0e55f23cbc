"""Models that generate or judge pictures, text, speech and video, and tools for media files.

No other package runs a model. Recipes, runs and the media library are in `studio`.
"""
