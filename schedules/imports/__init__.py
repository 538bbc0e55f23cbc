"""Imports of files with many posts: parse, validate, write, undo."""
