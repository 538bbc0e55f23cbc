"""Languages: catalogues, messages, formats, language detection and Unicode text.

The catalogues are in `foundation/locale`.
"""
