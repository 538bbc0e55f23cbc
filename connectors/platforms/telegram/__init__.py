"""The connector for Telegram: channel posts, bot chats, sales for Stars, and channel membership.

Polling and the webhook server are in `workers/listeners`.
"""
