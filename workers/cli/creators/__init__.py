"""`greenroom creators`: add, list, edit, deactivate, reactivate and archive creators."""
