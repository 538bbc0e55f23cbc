"""The history of a fan: timeline, imports and recent activity."""
