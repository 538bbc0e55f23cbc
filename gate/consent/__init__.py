"""Consent of depicted persons: offers, grants, revocation, shoot cards and the subject portal.

Records of persons and their age proofs are in `gate/people`; the rules are in `gate/decision`.
"""
