"""API routes of posts, deliveries, approvals, labels and review comments."""
