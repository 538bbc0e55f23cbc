"""Text to speech: a creator's voice with its licence, generated speech, and an agency's limit of
characters."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("generation_limits", sa.Column("characters", sa.Integer(), nullable=True))
    tenant_table(
        "creator_voices",
        uuid_column("creator_id"),
        text("engine"),
        text("voice"),
        text("name"),
        text("label"),
        jsonb("licence"),
        flag("bills"),
        uuid_column("person_id", nullable=True),
        text("by"),
        inside("creator_id", "creators"),
        unique("creator_voices_creator", "creator_id"),
    )
    tenant_table(
        "speeches",
        uuid_column("creator_id"),
        text("key"),
        text("words"),
        text("language"),
        text("rating"),
        text("engine"),
        text("voice"),
        jsonb("licence"),
        uuid_column("person_id", nullable=True),
        text("by"),
        text("state"),
        number("characters"),
        jsonb("reason", nullable=True),
        uuid_column("asset_id", nullable=True),
        inside("creator_id", "creators"),
        unique("speeches_key", "key"),
    )
    op.create_index("speeches_recent", "speeches", ["tenant_id", "created_at"])


def downgrade() -> None:
    op.drop_table("speeches")
    op.drop_table("creator_voices")
    op.drop_column("generation_limits", "characters")
