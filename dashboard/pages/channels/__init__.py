"""The page Channels: connecting accounts, their costs, webhooks and links."""
