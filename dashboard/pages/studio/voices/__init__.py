"""Text to speech in the studio."""
