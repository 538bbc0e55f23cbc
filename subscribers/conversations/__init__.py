"""Conversations as rows: messages, drafts, and what they contain. It sends nothing."""
