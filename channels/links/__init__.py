"""Short links, and the temporary URLs under which platforms fetch media."""
