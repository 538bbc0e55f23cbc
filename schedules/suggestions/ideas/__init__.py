"""Suggested ideas for posts, based on the measured results of earlier ones.

The results are computed in `insights/analysis`.
"""
