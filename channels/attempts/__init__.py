"""Attempts: the record of every request and its response, so that a crash never causes a second
send.

The functions that send are in `channels/sending`.
"""
