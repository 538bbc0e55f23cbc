"""Commands for platforms: account setup, access checks, the table of capabilities, and connector
packages.

Connectors are in the package `connectors`, accounts in `channels`.
"""
