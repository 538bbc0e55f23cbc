"""Search over creators, posts, fans, orders and settings, from every page."""
