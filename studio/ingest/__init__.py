"""Ingest: bring files into the library, detect their origin, classify and disclose them."""
