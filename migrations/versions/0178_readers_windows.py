"""Windows of texts: messages by reader, and the first letters of public posts."""

import sqlalchemy as sa
from alembic import op

revision = "0178"
down_revision = "0177"
branch_labels = None
depends_on = None

_SHORT_LINES = "viewer = '' AND (short_lines -> 0 ->> 0 <> '' OR short_lines -> 1 IS NOT NULL)"


def _create_index(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "permits", columns, postgresql_where=sa.text(where))


def upgrade() -> None:
    op.drop_index("permits_viewer", "permits")
    op.drop_index("permits_short_lines", "permits")
    _create_index(
        "permits_reader", ["tenant_id", "platform", "viewer", "minted_at"], "viewer <> ''"
    )
    _create_index("permits_short_lines", ["tenant_id", "creator_id", "minted_at"], _SHORT_LINES)
    _create_index(
        "permits_public",
        ["tenant_id", "creator_id", "minted_at"],
        "viewer = '' AND short_lines -> 0 ->> 0 = ''",
    )


def downgrade() -> None:
    op.drop_index("permits_public", "permits")
    op.drop_index("permits_short_lines", "permits")
    op.drop_index("permits_reader", "permits")
    _create_index(
        "permits_short_lines",
        ["tenant_id", "creator_id", "minted_at"],
        "viewer = '' AND short_lines <> '[]'",
    )
    _create_index(
        "permits_viewer", ["tenant_id", "creator_id", "viewer", "minted_at"], "viewer <> ''"
    )
