"""The conformance suite: rules that every connector must pass against a fake server of its
platform.

It is used by tests only, also by those of third-party connectors. The fakes of the built-in
platforms are in `tests/connectors/fakes`.
"""
