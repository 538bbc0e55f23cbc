"""The adult area of a page and its visitors' age checks; the subject portal."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, tenant_table, text, unique, uuid_column

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("area", sa.String(), nullable=False, server_default="public"))
    op.add_column("sites", sa.Column("adult_digest", sa.String(), nullable=False, server_default=""))
    op.drop_constraint("items_content", "items", type_="unique")
    op.create_unique_constraint("items_content", "items", ["tenant_id", "site_id", "area", "content_id"])
    op.add_column("age_checks", sa.Column("source", sa.String(), nullable=False, server_default=""))
    op.create_index("age_checks_source", "age_checks", ["tenant_id", "source", "created_at"])
    tenant_table(
        "person_links",
        uuid_column("person_id"),
        text("digest"),
        text("asked"),
        instant("asked_at", nullable=True),
        inside("person_id", "persons"),
        unique("person_links_one", "person_id"),
        unique("person_links_link", "digest"),
    )
    op.create_index("person_links_digest", "person_links", ["digest"])
    # a link contains a person before the tenant is known; `door` reads only its owner
    op.execute("GRANT SELECT ON person_links TO door")
    op.execute("CREATE POLICY door_finds ON person_links FOR SELECT TO door USING (true)")


def downgrade() -> None:
    op.drop_table("person_links")
    op.drop_index("age_checks_source", "age_checks")
    op.drop_column("age_checks", "source")
    op.drop_constraint("items_content", "items", type_="unique")
    op.create_unique_constraint("items_content", "items", ["tenant_id", "site_id", "content_id"])
    op.drop_column("sites", "adult_digest")
    op.drop_column("items", "area")
