"""Planning around the calendar: drafts, evergreen queue, A/B tests, feeds, imports, weekly plan."""
