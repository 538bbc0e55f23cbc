"""Creators' own sites: pages, feeds, age checks and the endpoint that publishes to them.

Removal requests about their content are in `removal`.
"""
