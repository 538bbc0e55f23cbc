"""Listeners: processes that receive updates of accounts by polling, gateway or webhook.

The parsing of updates is in `connectors`; their effects are in `subscribers` and `channels`.
"""
