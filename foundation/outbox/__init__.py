"""The transactional outbox: events stored with the rows that cause them, leased and handled once.

The relay and the workers that handle the events are in `workers`.
"""
