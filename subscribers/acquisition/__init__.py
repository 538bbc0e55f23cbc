"""Acquisition links: where fans come from, what a campaign cost, and the links through which each
fan began a chat.

What they earned is computed in `insights.attribution`.
"""
