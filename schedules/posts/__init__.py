"""Posts, deliveries and their states. Every other part of the package stands on it."""
