"""The connectors of the built-in platforms, one folder each, with the same file names in every
folder.

The shared contract is in `connectors/contract`; connectors of third-party packages are loaded by
`connectors/registry`.
"""
