"""Posts and their deliveries: content, calendar, approvals and publishing.

Sending one unit to an account is in `channels`; the decision that allows it is in `gate`.
"""
