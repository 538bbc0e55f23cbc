"""Depicted persons: proofs of age, declarations and depiction bans."""
