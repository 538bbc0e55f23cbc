"""Reports as HTML, Markdown and CSV: one a day for members, and the transparency report. The counts
of the transparency report come from `gate.removal`."""
