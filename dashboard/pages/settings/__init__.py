"""The page Settings: one section for each group of settings; each module draws one of them."""
