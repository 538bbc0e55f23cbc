"""Analysis of pictures and films: views for a classifier, similarity, and comparison of face
vectors.

No model runs here; classifiers are in `generators.engines.vision`.
"""
