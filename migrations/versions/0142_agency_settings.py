"""Settings of an agency: fiscal data, colour, logo, mail server, defaults of new creators; checks
of engines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tools import instant, jsonb, number, tenant_table, text, unique

revision = "0142"
down_revision = "0141"
branch_labels = None
depends_on = None

_TEXTS = ("legal_name", "address", "vat_number", "invoice_prefix", "accent", "creator_zone")


def upgrade() -> None:
    for name in _TEXTS:
        op.add_column("agencies", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column(
        "agencies",
        sa.Column("creator_languages", JSONB(), nullable=False, server_default=sa.text("'[]'")),
    )
    op.add_column(
        "agencies",
        sa.Column("creator_rating_ceiling", sa.String(), nullable=False, server_default="G"),
    )
    op.add_column(
        "agencies",
        sa.Column("creator_approval_tiers", sa.Integer(), nullable=False, server_default="1"),
    )
    tenant_table("agency_logos", sa.Column("data", sa.LargeBinary(), nullable=False))
    _create_mail_servers()
    tenant_table(
        "engine_checks",
        text("engine"),
        text("state"),
        jsonb("result", nullable=True),
        instant("checked_at", nullable=True),
        unique("engine_checks_tenant_id_engine_key", "engine"),
    )


def _create_mail_servers() -> None:
    tenant_table(
        "mail_servers",
        text("host"),
        number("port"),
        *(text(name) for name in ("security", "user_name", "sender")),
        sa.Column("letter", sa.LargeBinary(), nullable=True),
        text("test_state"),
        jsonb("test_reason", nullable=True),
        instant("tested_at", nullable=True),
        sa.CheckConstraint("security IN ('starttls', 'tls')", name="mail_servers_security"),
    )


def downgrade() -> None:
    op.drop_table("engine_checks")
    op.drop_table("mail_servers")
    op.drop_table("agency_logos")
    for name in (*_TEXTS, "creator_languages", "creator_rating_ceiling", "creator_approval_tiers"):
        op.drop_column("agencies", name)
