"""The connector for the sandbox: posts, comments, chat and sales.

The test network itself is in `sandbox/`.
"""
