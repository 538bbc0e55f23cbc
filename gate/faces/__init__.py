"""Known faces, and resemblances to them."""
