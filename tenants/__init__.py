"""Agencies and their members: rights, sign-in, secrets, notices and audit."""
