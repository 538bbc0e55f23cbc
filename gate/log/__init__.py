"""The decision log: append-only, hash-chained, with signed checkpoints, export and restore.

Decisions are made in `gate/decision` and permits issued in `gate/permits`.
"""
