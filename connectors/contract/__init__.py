"""The contract of a connector: the protocols and values that every platform implements."""
