"""Packs of images for sale, and the triage of uploads into posts and packs.

Prices, offers and orders are in `subscribers`.
"""
