"""The contract of a connector: the protocols and values that every platform implements.

It contains no implementation. Those are in `connectors/platforms`, and the helpers they share in
`connectors/shared`.
"""
