"""Calls to language models, and checks of their answers."""
