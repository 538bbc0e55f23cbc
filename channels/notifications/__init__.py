"""Delivery of notifications outside the dashboard: emails to members, links for persons and
custodians, webhooks to agencies.

Which notices exist is defined in `tenants/notices`, which webhooks in `tenants/webhooks`.
"""
