"""Reads of the calendar: boards, lists, exports, forecasts and subscriptions."""
