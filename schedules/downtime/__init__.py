"""Downtimes of the installation or of an account, and the posts that were missed during them.

Late limits of single posts are in `posts`; emergency stops are in `gate/policy`.
"""
