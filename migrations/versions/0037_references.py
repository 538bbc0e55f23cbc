"""File IDs of platforms, which later posts may refer to, and temporary URLs for platforms that
download files."""

from alembic import op

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE permits ADD COLUMN file_ids jsonb NOT NULL DEFAULT '[]'")
    op.create_index("permits_files", "permits", ["file_ids"], postgresql_using="gin")
    tenant_table(
        "lent_files",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        uuid_column("permit_jti"),
        text("subject_kind"),
        uuid_column("subject_id"),
        text("sha256"),
        text("mime"),
        text("digest"),
        instant("expires_at"),
        inside("creator_id", "creators"),
        inside("channel_id", "channels"),
        inside("permit_jti", "permits"),
        unique("lent_files_digest", "digest"),
        append_only=True,
    )
    op.create_index("lent_files_found", "lent_files", ["digest"])
    op.create_index("lent_files_subject", "lent_files", ["tenant_id", "subject_id", "sha256", "created_at"])
    # a URL identifies a file before the tenant is known; `door` reads only its owner
    op.execute("GRANT SELECT ON lent_files TO door")
    op.execute("CREATE POLICY door_finds ON lent_files FOR SELECT TO door USING (true)")
    tenant_table(
        "lent_reads",
        uuid_column("lent_id"),
        number("status"),
        number("size"),
        text("reason"),
        text("source"),
        inside("lent_id", "lent_files"),
        append_only=True,
    )
    op.create_index("lent_reads_file", "lent_reads", ["tenant_id", "lent_id", "created_at"])


def downgrade() -> None:
    for table in ("lent_reads", "lent_files"):
        op.drop_table(table)
    op.drop_index("permits_files", "permits")
    op.drop_column("permits", "file_ids")
