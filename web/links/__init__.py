"""Pages behind links: calendar subscriptions, client links, media URLs and short links.

The links are created in `schedules` and `channels`.
"""
