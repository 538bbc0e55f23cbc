"""Delivery of messages and packs to fans: claim, send and settle, with lookups of uncertain
deliveries.

Platform requests are made by `channels`; permits come from `gate`.
"""
