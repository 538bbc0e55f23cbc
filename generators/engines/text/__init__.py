"""Text engines: Ollama, an embedded model, and templates without a model.

The calls and checks that they share are in `generators.text`.
"""
