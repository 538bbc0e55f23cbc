"""Local models: weight files, folders, devices, and the sharing of one GPU."""
