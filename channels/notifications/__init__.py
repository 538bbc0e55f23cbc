"""Delivery of notices outside the dashboard: emails to members, webhooks to agencies."""
