"""The ledger: immutable double entries in minor units, revenue splits, and closed months.

Charges and refunds are in `subscribers.orders`; platform statements are booked by
`subscribers.statements`.
"""
