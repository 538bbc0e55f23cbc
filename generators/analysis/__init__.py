"""Analysis of pictures: views for a classifier, and vectors of faces."""
