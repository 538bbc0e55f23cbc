"""The Team page: members, their rights, and review settings."""
