"""The decision: pure rules from facts to a permit or reasons. It reads no database."""
