"""API keys of programs, and the registration of remote workers. The REST API that checks the keys
is in `web.api`."""
