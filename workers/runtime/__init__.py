"""The runtime of an installation: supervisor, start, embedded servers and child processes.

The main functions of the processes are in `workers/processes`; folders, ports and secrets are in
`workers/installation`.
"""
