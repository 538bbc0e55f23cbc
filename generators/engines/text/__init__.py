"""Text engines: Ollama, an embedded model, and templates without a model.

Calls and checks that they share are in `generators.text`.
"""
