"""Models that make or judge pictures, text, speech and video, and the tools around files.

No package but this one runs a model.
"""
