"""The page Settings: API keys, webhooks, remote workers, third-party rules."""
