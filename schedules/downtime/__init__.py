"""Downtimes of the installation or of an account, and the posts missed in them."""
