"""The creator's own page, served by this installation."""
