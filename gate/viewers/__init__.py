"""Age assurance of viewers."""
