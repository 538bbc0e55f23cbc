"""Rescheduling of deliveries: the queue, drag and drop, bulk moves, pauses and account failover.

Free times are computed in `availability`; edits of content are in `edits`.
"""
