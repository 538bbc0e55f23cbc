"""Fans: conversations, sales and the ledger."""
