"""The Discord gateway connection, and responses to interactions.

Parsing and requests are in `connectors/platforms/discord`.
"""
