"""Encoding of clips: frames, slideshows and subtitles."""
