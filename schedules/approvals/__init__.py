"""Approvals: policy, verdicts, change requests, review comments and links for clients.

Publishing approved posts is in `schedules.publishing`; the safety check is in `gate`.
"""
