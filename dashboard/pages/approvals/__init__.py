"""The Approvals page: posts, images, resemblances and removal requests that need a decision."""
