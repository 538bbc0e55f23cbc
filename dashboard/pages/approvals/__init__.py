"""The page Approvals: posts, pictures, resemblances and removal requests that need a verdict."""
