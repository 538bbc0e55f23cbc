"""Sending: run the steps of a connector under a permit, then reconcile, edit, remove or replace."""
