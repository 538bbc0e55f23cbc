"""Replies by a model: persona, prompt, generation and checks."""
