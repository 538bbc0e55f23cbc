"""Attempts: the record of every request and its response, so that a crash never sends twice.

The functions that send are in `channels/sending`.
"""
