"""One folder per platform. All use the same file names, so that one who knows one knows all."""
