"""Rollups of each local day, rebuilt from the ledger and from posts."""
