"""Agencies and their members: rights, sign-in, secrets, notices and the audit log. It contains no
content: posts are in `schedules`, media in `studio`, accounts of platforms in `channels`."""
