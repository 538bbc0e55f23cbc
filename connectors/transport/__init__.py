"""The transport: every HTTP and SMTP request of the system, checked against its permit or order.

It contains no logic of single platforms, except the fields by which their requests are checked. The
requests are created by the connectors.
"""
