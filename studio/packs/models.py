"""Tables of packs and of the pictures in them. A pack that was sold is immutable."""

from uuid import UUID

from sqlalchemy import UniqueConstraint

from foundation.db.tables import CreatorOwnedRow, table_arguments, tenant_foreign_key


class PackRow(CreatorOwnedRow, table=True):
    """A set of pictures for sale; a sold version is frozen."""

    __tablename__ = "packs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "slug"), about="creator", keep="forever"
    )
    slug: str
    title: str
    description: str
    state: str = "draft"
    version: int = 1
    frozen: bool = False


class PackItemRow(CreatorOwnedRow, table=True):
    """One picture of a pack, in order."""

    __tablename__ = "pack_items"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "pack_id", "position"),
        tenant_foreign_key("pack_id", "packs"),
        about="creator",
        keep="forever",
    )
    pack_id: UUID
    position: int
    asset_id: UUID
