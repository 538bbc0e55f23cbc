"""Benchmarks of `greenroom bench`, each with its own temporary installation or servers.

No other package imports them; the command line loads them by name. Tests of correctness are in
`tests`.
"""
