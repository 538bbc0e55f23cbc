"""The folder of an installation: settings and secrets, data services, ports, database setup and
status.

It starts nothing: processes are in `workers.runtime`.
"""
