"""The connector for Bluesky (AT Protocol): posts, comments and messages.

The shared contract is in `connectors/contract`; helpers shared by connectors are in
`connectors/shared`.
"""
