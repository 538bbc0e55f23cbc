"""The connector for Mastodon: posts, comments and direct messages on any server.

The limits of each server are read from the server itself. The shared contract is in
`connectors/contract`.
"""
