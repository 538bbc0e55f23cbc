"""The Discord gateway, and answers to its interactions."""
