"""The page Shop: packs, orders, subscriptions, accounting and reconciliation."""
