"""RSS and Atom feeds whose new entries become drafts.

Approving the drafts is in `schedules.approvals`; the feeds that Greenroom serves are in `web`.
"""
