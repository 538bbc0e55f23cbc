"""Ratings of content by machines and people, and seals on prohibited content."""
