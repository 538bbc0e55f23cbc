"""The connector for Discord: channel posts, direct messages, commands and roles.

The gateway connection that receives messages is in `workers/listeners/discord`.
"""
