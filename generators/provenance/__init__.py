"""Provenance: content credentials that are written, and claims that are read."""
