"""Sign-in to the dashboard: passwords, passkeys, second factor, sessions and access control."""
