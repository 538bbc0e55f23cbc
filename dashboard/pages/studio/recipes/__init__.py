"""Prompt templates of the Studio: form, versions, wildcards, costs and engines."""
