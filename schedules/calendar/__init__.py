"""Views of the calendar: boards, listings, forecasts, exports and calendar subscriptions.

Changing a delivery is in `rescheduling` and `edits`; `versioned_actions` applies changes made on a
page.
"""
