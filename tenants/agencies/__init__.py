"""Agencies, creators, members and their rights."""
