"""The library of a creator: assets, tags, collections, search, captions, reviews and erasure.

Adding files is in `ingest`; ratings and consent are in `gate`.
"""
