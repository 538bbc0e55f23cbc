"""Parsers of media containers. They read untrusted bytes without decoding pixels, and refuse files
that contain hidden data.

Decoding is in `generators.media` and `generators.video`.
"""
