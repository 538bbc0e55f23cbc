"""Decisions about removal requests as separate rows, and appeals against them."""

from alembic import op

from migrations.tools import inside, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

READ = ("complaints", "audit_entries", "members", "rulings", "blocklist")
"""Tables read or written here by the owner, who is subject to their policies too."""


_LIFTED = """
CREATE POLICY lifted_by_two ON blocklist AS RESTRICTIVE FOR DELETE TO gate USING (category <>
'minor' AND EXISTS (
  SELECT FROM appeals a JOIN rulings r ON r.tenant_id = a.tenant_id AND r.complaint_id =
  a.complaint_id
    AND r.number = a.against + 1
  WHERE a.tenant_id = blocklist.tenant_id AND a.complaint_id = blocklist.complaint_id
    AND a.side = 'agency' AND r.outcome = 'rejected' AND r.principal_id <> a.principal_id))
"""
"""The database allows the removal of a blocklist entry only if an appeal was granted by another
member than the appellant. The owner of the tables can still delete a whole agency."""


def upgrade() -> None:
    tenant_table(
        "rulings",
        uuid_column("complaint_id"),
        number("number"),
        text("outcome"),
        jsonb("reason", nullable=True),
        uuid_column("principal_id", nullable=True),
        inside("complaint_id", "complaints"),
        unique("rulings_number", "complaint_id", "number"),
        write=("gate",),
        append_only=True,
    )
    tenant_table(
        "appeals",
        uuid_column("complaint_id"),
        number("against"),
        text("side"),
        text("words"),
        uuid_column("principal_id", nullable=True),
        inside("complaint_id", "complaints"),
        unique("appeals_against", "complaint_id", "against"),
        unique("appeals_side", "complaint_id", "side"),
        write=("app",),
        append_only=True,
    )
    op.add_column("blocklist", uuid_column("complaint_id", nullable=True))
    op.create_foreign_key(
        "blocklist_complaint", "blocklist", "complaints", ["tenant_id", "complaint_id"], ["tenant_id", "id"]
    )
    op.execute(_LIFTED)
    op.execute("GRANT DELETE ON blocklist TO gate")
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    _what_was_decided()
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _what_was_decided() -> None:
    """Create rulings from earlier decisions, with the member named in the audit. Entries that they
    blocked can be lifted on appeal too."""
    op.execute(
        "INSERT INTO rulings (tenant_id, id, created_at, updated_at, complaint_id, number, "
        "outcome, reason,"
        " principal_id) SELECT c.tenant_id, gen_random_uuid(), c.updated_at, c.updated_at, c.id, "
        "1, c.state, c.reason,"
        " (SELECT m.principal_id FROM audit_entries a JOIN members m ON m.tenant_id = a.tenant_id"
        " AND a.actor = 'member:' || m.id WHERE a.tenant_id = c.tenant_id AND a.about = "
        "'complaint:' || c.id"
        " AND a.act IN ('complaint.stays', 'complaint.upheld') ORDER BY a.created_at DESC LIMIT 1)"
        " FROM complaints c WHERE c.state <> 'received'"
    )
    op.execute(
        "UPDATE blocklist b SET complaint_id = (SELECT c.id FROM complaints c WHERE c.tenant_id = "
        "b.tenant_id"
        " AND c.state = 'upheld' AND c.category = b.category AND c.digests ? b.sha256 ORDER BY "
        "c.created_at LIMIT 1)"
    )


def downgrade() -> None:
    op.execute("DROP POLICY lifted_by_two ON blocklist")
    op.execute("REVOKE DELETE ON blocklist FROM gate")
    op.drop_column("blocklist", "complaint_id")
    for table in ("appeals", "rulings"):
        op.drop_table(table)
