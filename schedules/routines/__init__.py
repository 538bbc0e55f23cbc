"""Routines: the daily and weekly steps of a creator, from generation to the report.

A routine proposes posts and never approves them. Its steps are rows of the outbox; the handlers
that run them are in `workers/event_handlers/routine_steps.py`.
"""
