"""Checkout: settle payments, and reconcile with the platforms."""
