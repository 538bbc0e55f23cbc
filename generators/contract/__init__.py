"""The contract of engines: what each kind takes and returns."""
