"""Platform accounts: connecting them, sending under a permit, and receiving updates.

`schedules` decides when to post, `subscribers` what to reply to fans.
"""
