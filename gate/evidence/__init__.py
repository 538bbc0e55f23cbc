"""Evidence: the facts of a unit, read into one snapshot for a decision.

The decision itself is in `gate/decision`; other sub-packages record most of the facts.
"""
