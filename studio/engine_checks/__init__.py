"""Checks of the engines of this installation, requested by a member and run by the workers.

A check sends no prompt and costs nothing. Its result is one sentence without addresses or keys.
"""
