"""The two demo agencies: cast, accounts, history, posts and shop, and their removal.

The scene on Home and the tour, which play in them, are in `demo.home_scene` and `demo.tour`.
"""
