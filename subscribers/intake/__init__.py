"""Intake of chat updates: store first, then safety, then commands and replies."""
