"""Orders for packs: payments, fulfilments, entitlements, refunds, recalls and locked messages.

Checkout and reconciliation with payment rails are in `subscribers.checkout`; double-entry bookings
are in `subscribers.ledger`.
"""
