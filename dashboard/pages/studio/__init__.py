"""The page Studio: image generation, the library, prompt templates and voices."""
