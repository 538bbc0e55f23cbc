"""Table of age assurances, the only record of a viewer's age."""

from datetime import datetime

from sqlalchemy import UniqueConstraint

from foundation.db.tables import (
    TenantRow,
    table_arguments,
    timestamp_column,
)


class AgeAssurance(TenantRow, table=True):
    """The age assurance of a viewer on a platform, without birth date, document or face."""

    __tablename__ = "age_assurances"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", "user_id"), about="fan", keep="12 months"
    )
    platform: str
    user_id: str
    state: str
    method: str = ""
    level: str = "L0"
    over_18: bool = False
    jurisdiction: str = ""
    assured_at: datetime | None = timestamp_column(optional=True)
    expires_at: datetime | None = timestamp_column(optional=True)
    epoch: int = 0
    custodian: str = ""
    """Name of the custodian who confirmed it: `confirmed_by` is their actor, `why` the digest of
    their receipt."""
    confirmed_by: str = ""
    why: str = ""
