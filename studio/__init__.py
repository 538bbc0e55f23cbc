"""The studio: media libraries of creators, ingest of files, and generation of images, videos and
speech.

Posts are in `schedules`, rating and consent in `gate`, the engines themselves in `generators`.
"""
