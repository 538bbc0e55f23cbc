"""Reviews by members: content, depicted people, resemblances, appeals, calibration, spot checks.

The rules that require a review are in `gate/decision`; the ratings of media are in `gate/ratings`.
"""
