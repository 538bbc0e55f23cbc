"""The relay: claim due outbox rows and dispatch them to Celery."""
