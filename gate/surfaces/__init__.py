"""One decision for every surface that needs no permit: pages and files for people outside the
agency, reports, and what a model is asked.

It holds no rule: content becomes a unit, which the rules of `gate/decision` judge.
"""
