"""The policy: rules for each surface of a platform, agencies' stricter settings, and emergency
stops.

No decisions: `gate/decision` applies the rules. Re-verification by members is in `gate/reviews`.
"""
