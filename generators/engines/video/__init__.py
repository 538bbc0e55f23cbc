"""Engines that animate pictures."""
