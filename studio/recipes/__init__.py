"""Recipes, the prompt templates: specs, versions, parameters, wildcards and input pictures."""
