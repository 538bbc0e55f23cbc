"""The Start page: creates an agency and guides it to its first published post. Agencies, members
and sign-in links themselves are in `tenants`."""
