"""The library: assets, tags, collections, search and erasure."""
