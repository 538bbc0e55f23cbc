"""Video engines that animate a picture, and their model folders.

Encoding is in `generators.video`.
"""
