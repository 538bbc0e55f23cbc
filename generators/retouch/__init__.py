"""Edits of pictures: crops, masks, backgrounds, enhancement, upscaling, watermarks and text
overlays.

The models for masks and upscaling are in `generators.engines.vision`.
"""
