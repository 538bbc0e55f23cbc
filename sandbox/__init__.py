"""The sandbox: a test network with its own server and store. It imports `foundation` alone."""
