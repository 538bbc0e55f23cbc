"""Checkout: payments are settled here, and platform earnings and rail movements are reconciled with
the ledger.

Tables of orders and refunds are in `subscribers.orders`; the ledger is in `subscribers.ledger`.
"""
