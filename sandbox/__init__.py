"""The sandbox: a test network with a separate server and database, used by tests and demos.

It imports `foundation` alone. Its connector is in `connectors/platforms/sandbox`.
"""
