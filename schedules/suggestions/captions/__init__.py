"""Suggested captions for a post: a set of texts around one idea, versions per account, and
translations.

The checks that texts must pass are in `suggestions/shared`.
"""
