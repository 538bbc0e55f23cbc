"""Roles of readers in communities, granted and removed by proven age or subscription.

Eligibility is decided in `subscribers/safety`.
"""
