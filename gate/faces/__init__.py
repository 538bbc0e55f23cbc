"""Known faces of the agency, and the resemblances of pictures to them.

Vectors are not computed or opened here: `generators/analysis` and the packages above compare faces.
"""
