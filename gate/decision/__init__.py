"""The decision: pure functions from facts and policy to a verdict with reasons.

No database access: `gate/evidence` reads the facts, `gate/permits` issues the permits.
"""
