"""Analysis of pictures and videos: views for a classifier, similarity, and comparison of face
vectors.

No model runs here; classifiers are in `generators.engines.vision`.
"""
