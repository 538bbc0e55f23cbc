"""The folder of an installation: its data services, ports, database and state file."""
