"""Free times: slots, quiet periods, public holidays, minimum intervals and usual hours.

Planning at these times is in `posts` and `rescheduling`; series that use them are in `recurrence`.
"""
