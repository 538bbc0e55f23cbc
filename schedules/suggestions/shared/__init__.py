"""The engine of all suggestions: requests, prompts, checks and languages."""
