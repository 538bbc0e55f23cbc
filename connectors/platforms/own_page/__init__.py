"""The connector for the creator's own page.

The page itself is served by `web`; this package sends requests to it.
"""
