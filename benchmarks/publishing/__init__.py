"""Benchmarks of publishing: load, faults, lateness and recall, compared with plain Celery.

`world` runs the installation that the others measure. Benchmarks of other parts are in
`benchmarks`.
"""
