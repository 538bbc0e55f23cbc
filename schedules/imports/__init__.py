"""Imports of posts from files: parse, validate, write, undo.

Exports are in `schedules.calendar`; the posts themselves are in `schedules.posts`.
"""
