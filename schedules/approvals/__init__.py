"""Approvals: policy, verdicts, change requests, and review by clients."""
