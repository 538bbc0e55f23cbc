"""The page Settings: queues, emergency stops, API keys, webhooks, remote workers and plugin rules."""
