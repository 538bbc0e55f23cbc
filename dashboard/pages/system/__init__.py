"""The Settings page: queues, emergency stops, API keys, webhooks and platform rules."""
