"""A creator's day from a brief: generate, approve, schedule, publish, chat and report.

`greenroom run-day` runs it through the running installation. It contains no publishing or selling:
the processes of the installation do that.
"""
