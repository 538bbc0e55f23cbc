"""The page Studio: generation, the library, recipes and voices."""
