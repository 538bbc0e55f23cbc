"""Tables of predictions: each with its model card, and the installation of their packages."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class Prediction(CreatorOwnedRow, table=True):
    """The latest prediction of one subject of a creator, such as the net sales in EUR, with its
    model card.

    `first_day` and `last_day` are the data window, `have`, `need` and `unit` what is missing.
    `own_error` and `baseline_error` are in `error_unit`. `parameters` are those of the selected
    method, `result` is the prediction.
    """

    __tablename__ = "predictions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "task", "subject"),
        about="creator",
        keep="forever",
    )
    task: str
    subject: str
    state: str
    method: str
    baseline: str
    own_error: float | None = None
    baseline_error: float | None = None
    error_unit: str
    coverage: float | None = None
    first_day: date | None = None
    last_day: date | None = None
    split: str
    samples: int
    version: int
    have: int
    need: int
    unit: str
    expected_on: date | None = None
    parameters: dict[str, Any] = jsonb_column()
    result: dict[str, Any] = jsonb_column()
    selected_at: datetime | None = timestamp_column(optional=True)
    computed_at: datetime = timestamp_column()


class PredictionSetup(TenantRow, table=True):
    """The progress of the installation of the packages that an agency requested."""

    __tablename__ = "prediction_setups"
    __table_args__ = table_arguments(UniqueConstraint("tenant_id"), about="tenant", keep="forever")
    state: str
    installed: int = Field(default=0)
    total: int = Field(default=0)
    package: str
    reason: dict[str, Any] | None = message_column()
