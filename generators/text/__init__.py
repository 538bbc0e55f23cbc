"""Calls to language models and checks of their output, shared by all text engines.

The engines are in `generators.engines.text`.
"""
