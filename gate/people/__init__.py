"""Depicted persons: their records, proofs of age, declarations of synthetic persons, and depiction
bans.

Their permissions are in `gate/consent`, their faces in `gate/faces`.
"""
