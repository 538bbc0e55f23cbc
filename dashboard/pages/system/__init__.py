"""The page Settings: queues, emergency stops, API keys, webhooks and platform rules."""
