"""Texts proposed by a model: captions, alt texts, ideas and weekly plans. A member must accept each
of them.

Text engines are in `generators`; the drafts created from accepted texts are in `drafts`.
"""
