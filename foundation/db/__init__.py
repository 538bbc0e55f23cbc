"""PostgreSQL: connections, tenant scopes, tables, bulk inserts and retention.

The tables themselves are in the packages that own them, and the schema is in `migrations`.
"""
