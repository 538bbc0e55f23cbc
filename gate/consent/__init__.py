"""Consent of depicted people: shoot cards, grants, revocation and the subject portal."""
