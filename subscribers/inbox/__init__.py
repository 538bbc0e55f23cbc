"""The inbox of members: its list and conversation view, replies, approvals, notes and saved
replies.

Messages are sent by `subscribers.delivery`; updates of fans are received in `subscribers.intake`.
"""
