"""Statements of platforms: read a file, map its columns, book it in the ledger."""
