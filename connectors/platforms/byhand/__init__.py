"""Manual posting: a person publishes what was prepared."""
