"""Object stores for files, and write-once archives."""
