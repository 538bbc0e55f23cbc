"""Audit log of the tables of mail servers, writing styles, routines and the bot's memory."""

from migrations.tools import audit_table, stop_auditing

revision = "0144"
down_revision = "0143"
branch_labels = None
depends_on = None

AUDITED = {
    "agency_logos": "",
    "fan_memories": "",
    "mail_servers": "host port security sender",
    "routines": "plan active",
    "team_answers": "language",
    "team_introductions": "by_first_name",
    "writing_styles": "network tone length hashtags",
}


def upgrade() -> None:
    for table, values in AUDITED.items():
        audit_table(table, values)


def downgrade() -> None:
    for table in AUDITED:
        stop_auditing(table)
