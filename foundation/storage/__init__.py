"""Object stores for files, and write-once archives, on disk or on an S3 server.

The library of assets is in `studio/library`.
"""
