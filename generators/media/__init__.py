"""Decoding and measuring of pictures and films, in confined processes."""
