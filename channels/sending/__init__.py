"""Sending: run the steps of a connector under a permit, then reconcile, edit, remove or replace.

Records of requests are in `channels/attempts`, limits in `channels/limits`.
"""
