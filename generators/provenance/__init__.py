"""Provenance: signed content credentials, and claims and generator metadata read from uploaded
files."""
