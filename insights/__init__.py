"""Metrics and reports. It reads what other packages record and decides nothing."""
