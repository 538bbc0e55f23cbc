"""The decision log: append-only, hash-chained, with signed checkpoints and export."""
