"""Adapters for age verification providers."""
