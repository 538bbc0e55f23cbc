"""The composition root: command line, processes, listeners, the relay, and the routes of all
events.

It wires the other packages together and contains no business rules; those are in the packages
themselves.
"""
