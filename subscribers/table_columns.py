"""Column builders and retention arguments that the tables of this package share."""

from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field

from foundation.db.tables import (
    table_arguments,
)


def chat_table_arguments(*constraints: Any) -> Any:
    """Return table arguments with the retention of chat data: 18 months after the last activity."""
    return table_arguments(*constraints, about="fan", keep="18 months after the last activity")


def accounting_table_args(*constraints: Any, about: str = "fan") -> Any:
    """Return table arguments with the legal retention of ten years for accounting records."""
    return table_arguments(*constraints, about=about, keep="10 years")


def amount_column() -> Any:
    """Return a column for an amount in minor units of the row's currency."""
    return Field(sa_type=BigInteger)
