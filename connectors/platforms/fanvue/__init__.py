"""The connector for Fanvue: posts, messages with paid media, webhooks and earnings.

The shared contract is in `connectors/contract`; helpers shared by connectors are in
`connectors/shared`.
"""
