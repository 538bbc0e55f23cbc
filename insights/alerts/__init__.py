"""Alerts about creators: rules, daily and hourly checks, and the alerts that they open and close.
Members are notified through `tenants.notices`."""
