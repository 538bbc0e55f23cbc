"""The frame of every page: session, navigation, localization, actions and widgets."""
