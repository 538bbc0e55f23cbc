"""The test of the guided tour: a browser walks through it, and each step is verified."""
