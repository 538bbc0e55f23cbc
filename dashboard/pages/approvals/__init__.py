"""The page Approvals: posts, images, resemblances and removal requests that need a decision."""
