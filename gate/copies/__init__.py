"""The gate's record of published copies, their edits, and the posts that units refer to.

Permits are issued in `gate/permits`; recalls are in `gate/removal`.
"""
