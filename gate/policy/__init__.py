"""The policy: signed rules for each platform, review settings and emergency stops."""
