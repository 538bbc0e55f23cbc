"""Sign-in: passwords, passkeys, second factor, sessions, and separation of authors."""
