"""The main functions of the processes that the supervisor starts.

The table of processes and the supervisor are in `workers/runtime`.
"""
