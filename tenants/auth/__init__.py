"""Sign-in: passwords, passkeys, second factor, sessions and separation of authors. The pages for it
are in `dashboard.auth`; API keys of programs are in `tenants.api_keys`."""
