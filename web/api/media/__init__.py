"""API routes of the media library, uploads and picture copies.

Generated pictures are requested in `generation`.
"""
