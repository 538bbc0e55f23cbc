"""Infrastructure for every package: database, outbox, storage, settings, languages, errors and IDs.

It contains no domain code for posts, subscribers or agencies.
"""
