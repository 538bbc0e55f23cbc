"""What every package stands on: database, outbox, storage, settings, languages, errors, ids.

It knows nothing of posts, fans or agencies.
"""
