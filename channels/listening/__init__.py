"""Receiving updates of accounts: polling, webhooks and comments.

`subscribers/intake` handles the updates.
"""
