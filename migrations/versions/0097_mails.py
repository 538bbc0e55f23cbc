"""Emails to members: notification settings and sent emails."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "mail_wishes",
        uuid_column("member_id"),
        text("address"),
        instant("confirmed_at", nullable=True),
        flag("urgent"),
        number("brief_hour", nullable=True),
        sa.Column("briefed_on", sa.Date(), nullable=True),
        text("code"),
        instant("code_until", nullable=True),
        number("code_tries"),
        unique("mail_wishes_member", "member_id"),
        inside("member_id", "members"),
    )
    tenant_table(
        "mails",
        uuid_column("member_id"),
        text("why"),
        jsonb("notices"),
        text("state"),
        number("tries"),
        number("status", nullable=True),
        text("detail"),
        instant("tried_at", nullable=True),
        inside("member_id", "members"),
    )
    op.create_index("mails_recent", "mails", ["tenant_id", "member_id", "created_at"])


def downgrade() -> None:
    op.drop_table("mails")
    op.drop_table("mail_wishes")
