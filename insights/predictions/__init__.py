"""Predictions about creators, fans and posts, each with its error on past data and a baseline. The
methods run in child processes; server processes only read the results."""
