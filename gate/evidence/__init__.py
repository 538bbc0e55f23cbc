"""Evidence: the facts of a unit, read into one snapshot for a decision.

It makes no decisions (`gate/decision`) and writes little: facts are recorded by the sub-packages
that own them.
"""
