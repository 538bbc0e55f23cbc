"""Parsers of media containers. They read untrusted bytes, decode no pixels, and refuse files with
anything hidden in them.

Decoding is in `generators.media` and `generators.video`.
"""
