"""Engines that judge, upscale or mask pictures."""
