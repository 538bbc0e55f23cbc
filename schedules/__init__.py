"""Posts and their deliveries: when, to which accounts, with whose approval."""
