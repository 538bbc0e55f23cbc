"""The types that other packages exchange with the gate: units, facts, permits and reasons.

No decisions and no tables: those are in `gate/decision` and in the sub-packages that own them.
"""
