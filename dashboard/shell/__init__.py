"""The frame of all pages: session, navigation, localization, actions and widgets.

The pages themselves are in `pages`.
"""
