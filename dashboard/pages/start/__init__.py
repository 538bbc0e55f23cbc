"""The first page of an installation: create an agency."""
