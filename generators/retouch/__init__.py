"""Edits of pictures: crops, masks, backgrounds, watermarks, text and upscaling."""
