"""The sandbox, the test network of this repository."""
