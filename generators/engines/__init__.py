"""Engines, one module each, loaded by name from the settings."""
