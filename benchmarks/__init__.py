"""Benchmarks, one module for each `greenroom bench` command. No other package imports them."""
