"""Receiving updates of accounts: polling, webhooks and comments. `subscribers.intake` acts on
them.
"""
