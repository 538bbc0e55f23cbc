"""Reports: one a day for members, and the transparency report."""
