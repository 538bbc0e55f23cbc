"""Recipes, the prompt templates of images: specs, versions, parameters, wildcards and input images.

Running them is in `runs`.
"""
