"""Public pages for removal requests, receipts, reports and the subject portal.

The decisions about these requests are made in `gate`.
"""
