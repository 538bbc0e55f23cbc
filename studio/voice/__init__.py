"""Text to speech: voices, samples and speeches."""
