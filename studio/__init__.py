"""The studio: the library of a creator, and everything that makes or ingests its files."""
