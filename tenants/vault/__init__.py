"""The vault: envelope encryption of secrets. Only the composition root unseals them."""
