"""Permits: issuance, validity, and copies that must be watched."""
