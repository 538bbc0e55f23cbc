"""The conformance suite: rules that every connector passes against a fake server. For tests
only."""
