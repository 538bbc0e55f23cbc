"""Tables of packs and their images. A sold pack is immutable."""

from uuid import UUID

from sqlalchemy import UniqueConstraint

from foundation.db.tables import CreatorOwnedRow, table_arguments, tenant_foreign_key


class PackRow(CreatorOwnedRow, table=True):
    """A set of images for sale; immutable once sold (`frozen`)."""

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
    """An image in a pack, with its position."""

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
