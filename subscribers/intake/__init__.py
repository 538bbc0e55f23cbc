"""Intake of chat updates: each is stored, checked for safety, and answered by code, a member or the
model.

Also the handlers of all chat events. Messages are sent by `subscribers.delivery`.
"""
