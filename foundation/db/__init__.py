"""PostgreSQL: connections, scopes of a tenant, tables, bulk inserts and retention."""
