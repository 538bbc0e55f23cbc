"""`greenroom doctor`: checks of every part of an installation, with advice on problems.

It changes nothing. Metrics and alerts are in `workers.runtime.metrics` and `deploy/`.
"""
