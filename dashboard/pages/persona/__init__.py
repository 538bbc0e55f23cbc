"""The page Persona: how a creator's bot speaks, what it sends by itself, and its versions."""
