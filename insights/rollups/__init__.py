"""Rollups of each local day of a creator, rebuilt from the ledger, posts and readings. It does not
analyse them; see `insights.analysis`."""
