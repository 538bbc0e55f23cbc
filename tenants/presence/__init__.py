"""The members who have a conversation or a post open right now. It notifies no one and records no
working time."""
