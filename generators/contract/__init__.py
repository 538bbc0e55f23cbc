"""The contracts of engines: the jobs they take, the results they return, and the errors they raise.

The engines themselves are in `generators.engines`.
"""
