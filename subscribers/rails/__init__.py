"""Payment rails: what each platform can charge for, in which currency and within which limits.

Nothing here opens the database or sends a request; `subscribers.checkout` and `subscribers.orders`
do.
"""
