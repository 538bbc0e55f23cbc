"""Receipts with a code, requests without a specific page, sealed contacts, and probes of the form.
"""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, tenant_table, text, unique, uuid_column

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

HOUSE = "00000000-0000-0000-0000-000000000000"


def upgrade() -> None:
    tenant_table(
        "complaint_receipts",
        uuid_column("complaint_id"),
        text("pin_hash"),
        text("form", nullable=True),
        text("address"),
        text("words"),
        flag("by_house"),
        inside("complaint_id", "complaints"),
        unique("complaint_receipts_complaint", "complaint_id"),
        unique("complaint_receipts_form", "form"),
        write=("app",),
        append_only=True,
    )
    op.create_index("deliveries_url", "deliveries", ["tenant_id", "url"], postgresql_where=sa.text("url IS NOT NULL"))
    _of_the_house()


def _of_the_house() -> None:
    """Create the tables of the installation's tenant: `door` writes submissions of the public, no
    agency's role reads them."""
    tenant_table(
        "house_reports",
        *(text(name) for name in ("receipt", "pin_hash", "category", "address", "words", "source")),
        text("form", nullable=True),
        flag("by_house"),
        jsonb("looks"),
        jsonb("found"),
        instant("sought_at", nullable=True),
        unique("house_reports_receipt", "receipt"),
        unique("house_reports_form", "form"),
        write=("door",),
        append_only=True,
    )
    op.execute("GRANT UPDATE (found, sought_at, updated_at) ON house_reports TO gate")
    op.create_index("house_reports_source", "house_reports", ["tenant_id", "source", "created_at"])
    tenant_table(
        "report_contacts",
        text("about"),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
        unique("report_contacts_about", "about"),
        write=("door",),
        append_only=True,
    )
    tenant_table("intake_beats", instant("seen_at"), write=("gate",))
    op.execute("CREATE POLICY house_is_read ON intake_beats FOR SELECT USING (tenant_id = "
               f"'{HOUSE}')")
    # A new installation has an hour to prove that its form is reachable. The policy applies to the
    # owner too.
    op.execute("ALTER TABLE intake_beats NO FORCE ROW LEVEL SECURITY")
    op.execute(f"INSERT INTO intake_beats (tenant_id, id, seen_at) VALUES ('{HOUSE}', '{HOUSE}', "
               "people_now())")
    op.execute("ALTER TABLE intake_beats FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    for name in ("intake_beats", "report_contacts", "house_reports", "complaint_receipts"):
        op.drop_table(name)
    op.drop_index("deliveries_url", "deliveries")
