"""Commands of the command line `greenroom`, by subject.

It contains no business logic: commands call the packages that do the work. Output to the terminal
is in `workers.terminal`.
"""
