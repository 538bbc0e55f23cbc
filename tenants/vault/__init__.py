"""Envelope encryption of secrets. Only the composition root, `workers`, receives the key that
decrypts them."""
