"""Agencies, creators, members and the rights of their roles. It does not sign members in; see
`tenants.auth`."""
