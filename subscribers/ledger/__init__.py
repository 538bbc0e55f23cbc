"""The ledger: double entries in minor units, never changed, closed by month."""
