"""RSS and Atom feeds whose new entries become drafts.

Drafts wait for approval in `schedules.approvals`; RSS feeds that the installation serves are in
`web`.
"""
