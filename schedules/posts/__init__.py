"""Posts, deliveries and their states: the tables, reads and transitions that the package shares.

Publishing a delivery is in `schedules.publishing`; approving one is in `schedules.approvals`.
"""
