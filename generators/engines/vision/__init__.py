"""Vision engines: classifiers, upscalers, background masks, and language models that accept
pictures."""
