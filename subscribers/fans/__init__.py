"""Fans and their identities on accounts: language, opt-outs, reachability and derived facts.

Messages are in `subscribers.conversations`; the erasure of a fan is `subscribers.erasure`.
"""
