"""The connector for Facebook Pages: posts, comments and Messenger.

Requests shared with Instagram and Threads are in `connectors/platforms/meta`.
"""
