"""Planning around the calendar: drafts, evergreen queue, A/B tests, feeds, imports, weekly plan.

The calendar itself is in `dashboard.pages.calendar`, posting schedules in `dashboard.pages.queue`.
"""
