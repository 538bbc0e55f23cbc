"""The demo agency: its cast, history, posts, shop and accounts, and their removal."""
