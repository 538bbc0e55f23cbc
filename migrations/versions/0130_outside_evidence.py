"""Evidence of identity and age from outside the agency.

Custodians have a separate login and answer requests. Earlier statements of members no longer count:
those checks are withdrawn, and the viewers' proofs are reset. A depicted person is contacted at an
address that the person confirms.
"""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, tenant_table, text, uuid_column

revision = "0130"
down_revision = "0129"
branch_labels = None
depends_on = None

TYPED_BY_MEMBERS = {
    "identity_checks": "UPDATE identity_checks SET withdrawn_at = house_now(),"
    " withdrawn_by = 'system:migration' WHERE noted_by LIKE 'member:%'",
    "age_assurances": "UPDATE age_assurances SET state = 'reset', method = '', level = 'L0',"
    " over_18 = false, custodian = '', confirmed_by = '', why = '', epoch = epoch + 1"
    " WHERE method = 'review' AND state = 'assured'",
}
"""Statements by table that withdraw evidence from members in every agency. The owner sees all rows
while a table's row-level security is not forced."""


def upgrade() -> None:
    op.add_column("identity_checks", uuid_column("custodian_id", nullable=True))
    op.add_column("identity_checks", uuid_column("principal_id", nullable=True))
    op.add_column("identity_checks", instant("withdrawn_at", nullable=True))
    op.add_column(
        "identity_checks", sa.Column("withdrawn_by", sa.String(), nullable=False, server_default="")
    )
    for column, table in (("custodian_id", "members"), ("principal_id", "principals")):
        op.create_foreign_key(
            f"identity_checks_{column}",
            "identity_checks",
            table,
            ["tenant_id", column],
            ["tenant_id", "id"],
        )
    op.execute(
        "GRANT UPDATE (withdrawn_at, withdrawn_by, updated_at) ON identity_checks TO gate"
    )
    for table, statement in TYPED_BY_MEMBERS.items():
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(statement)
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for name in ("address", "address_set_by"):
        op.add_column(
            "person_links", sa.Column(name, sa.String(), nullable=False, server_default="")
        )
    op.add_column("person_links", instant("confirmed_at", nullable=True))
    tenant_table(
        "age_requests",
        uuid_column("person_id", nullable=True),
        text("platform"),
        text("user_id"),
        text("reference"),
        uuid_column("principal_id", nullable=True),
        text("asked_by"),
        instant("answered_at", nullable=True),
        text("answered_by"),
        flag("confirmed"),
        inside("person_id", "persons"),
        inside("principal_id", "principals"),
    )
    op.create_index("age_requests_open", "age_requests", ["tenant_id", "answered_at"])


def downgrade() -> None:
    op.drop_table("age_requests")
    for name in ("confirmed_at", "address_set_by", "address"):
        op.drop_column("person_links", name)
    op.execute("REVOKE UPDATE (withdrawn_at, withdrawn_by, updated_at) ON identity_checks FROM gate")
    for name in ("withdrawn_by", "withdrawn_at", "principal_id", "custodian_id"):
        op.drop_column("identity_checks", name)
