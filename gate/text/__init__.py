"""Text rating: normalization, the lexicon, language coverage, links and service texts.

The rules that use these ratings are in `gate/decision`; the ratings of media are in `gate/ratings`.
"""
