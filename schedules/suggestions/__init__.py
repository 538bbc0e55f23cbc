"""Texts that a model proposes for posts. A member accepts or rejects each."""
