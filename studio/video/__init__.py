"""Clips: slideshows and animations."""
