"""Evidence for a decision: the facts of a unit, read in one snapshot."""
