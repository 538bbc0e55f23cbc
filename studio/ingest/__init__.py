"""Ingest of files into the library: uploads, image copies, origin detection, classification, AI
disclosure.

Decoding and rendering of media are in `generators`; ratings and consent in `gate`.
"""
