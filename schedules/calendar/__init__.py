"""Views of the calendar: boards, listings, forecasts, exports and calendar subscriptions.

Changing deliveries is in `rescheduling` and `edits`; `versioned_actions` wraps it for the API.
"""
