"""The guided tour: the actions of its buttons, and the test that takes it in a browser.

The page of the tour is in `dashboard.pages.tour`.
"""
