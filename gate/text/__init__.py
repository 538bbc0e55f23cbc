"""Text rating: normalization, lexicon, languages and links."""
