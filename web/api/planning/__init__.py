"""API routes of planning: calendar, series, imports, evergreen and weekly plans."""
