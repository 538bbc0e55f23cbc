"""The Studio page: image generation, the library, prompt templates and voices."""
