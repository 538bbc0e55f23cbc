"""HTTP: the client and the addresses that it may reach, host checks and request bodies.

Requests to platforms go through `connectors/transport`, which uses this client.
"""
