"""Checks of a viewer's age by external providers. The result is stored by `gate.viewers`."""
