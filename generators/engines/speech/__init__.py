"""Engines that speak texts."""
