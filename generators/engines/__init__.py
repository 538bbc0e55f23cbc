"""Engines, one module each, loaded by name from the settings.

Their contracts are in `generators.contract`; the choice of an engine is in `generators.registry`.
"""
