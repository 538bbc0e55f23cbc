"""Roles of readers on platforms, granted and removed as a subscription requires."""
