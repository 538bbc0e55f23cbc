"""The connectors of an installation: the built-in ones and those of installed packages.

The connectors themselves are in `connectors/platforms`; policies of packages are verified by
`gate/policy`.
"""
