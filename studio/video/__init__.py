"""Generated videos: slideshows of stills, and animations of an image by a model.

Encoding is in `generators/video`; uploaded videos are in `ingest`.
"""
