"""The page Team: members, their rights, and review settings."""
