"""Texts proposed by a model: captions, alt texts, ideas and weekly plans. A member accepts each.

Text engines are in `generators`; the drafts created from accepted texts are in `drafts`.
"""
