"""The routes of all events: one handler for each kind, and the listeners of each fact.

The handlers themselves are in the packages and in `workers/event_handlers`.
"""
