"""Text to speech in the Studio: voices, samples, speech and character limits."""
