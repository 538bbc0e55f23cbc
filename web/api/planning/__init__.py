"""API routes of planning: calendar, series, imports, evergreen queue and weekly plans.

Single posts and deliveries are in `posts`.
"""
