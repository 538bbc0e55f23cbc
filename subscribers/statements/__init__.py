"""Platform statements: a downloaded file is read, its columns are mapped, and its lines are booked
in the ledger.

Earnings read from a platform's API are in `subscribers.checkout.platform_earnings`.
"""
