"""Sign-in to the dashboard: passwords, passkeys, second factor, sessions and access control.

Members, their credentials and sessions are stored in `tenants.auth`.
"""
