"""The catalog: prices of packs, and offers to fans."""
