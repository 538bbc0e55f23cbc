"""Fans and subscribers: conversations, comments, orders, payments, subscriptions and the ledger.

Account connections, message sending and platform transport are in `channels`; safety decisions and
the decision log are in `gate`.
"""
