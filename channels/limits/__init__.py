"""Limits on sending: rate limits of platforms, shared quotas, and monthly caps on request costs."""
