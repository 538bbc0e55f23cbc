"""Intake of chat updates: each is stored, checked for safety, and answered by code, a member or the
model.

The handlers of all chat events are here too. Messages are sent by `subscribers.delivery`.
"""
