"""The inbox of members: their actions, notes and saved replies."""
