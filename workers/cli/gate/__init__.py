"""Commands of the gate: decisions, rules, releases, removal requests, emergency stop and exports.

The decisions themselves are made in the package `gate`.
"""
