"""Permits: their issuance and validity, checks that need no permit, and copies whose destinations
are watched.

Rules are in `gate/decision`, the records of live copies in `gate/copies`.
"""
