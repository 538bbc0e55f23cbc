"""Engines that make pictures, local and hosted, and the preparation of their inputs."""
