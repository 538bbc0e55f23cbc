"""The relay: claims due outbox rows, dispatches them to Celery, and writes the periodic ticks.

The outbox itself is in `foundation/outbox`; the handlers are in `workers/event_routes`.
"""
