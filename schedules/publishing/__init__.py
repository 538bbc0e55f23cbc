"""Publishing: claim a due delivery, send it through `channels`, settle the outcome.

The states of a delivery and their transitions are in `schedules.posts`.
"""
