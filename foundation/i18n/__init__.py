"""Languages: catalogues, messages and language detection."""
