"""Terminal of the command line: messages, progress, tables, JSON, exit codes, and the lookup of
members and creators by name.

It contains no commands: those are in `workers.cli`.
"""
