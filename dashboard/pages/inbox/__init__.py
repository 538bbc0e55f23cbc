"""The inbox: conversations, comments and saved replies."""
