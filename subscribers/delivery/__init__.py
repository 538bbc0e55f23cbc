"""Delivery of messages and packs to fans."""
