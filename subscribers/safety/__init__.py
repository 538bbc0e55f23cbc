"""Safety of conversations: age checks, escalation, and access to roles."""
