"""Assets: the origin, renditions, derivations and labels of every file, and look-alikes.

Their ratings are in `gate/ratings`; the files themselves are stored by `studio/library`.
"""
