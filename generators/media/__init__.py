"""Decoding and rendering of pictures, perceptual hashes, quality scores, and the confined processes
of FFmpeg.

Containers are checked in `generators.containers`; videos are decoded in `generators.video`.
"""
