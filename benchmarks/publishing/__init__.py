"""Benchmarks of publishing: load, faults, lateness and recall, against plain Celery."""
