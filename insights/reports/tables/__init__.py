"""Tables of Analytics as files: rows of each view, CSV and Excel."""
