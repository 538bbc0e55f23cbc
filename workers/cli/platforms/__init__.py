"""Commands of platforms: account setup, access checks and connector scaffolds."""
