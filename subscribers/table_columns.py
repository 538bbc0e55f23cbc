"""Column builders and retention arguments that the tables of this package share."""

from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field

from foundation.db.tables import (
    table_arguments,
)


def chat_table_arguments(*constraints: Any) -> Any:
    return table_arguments(*constraints, about="fan", keep="18 months after the last activity")


def accounting_table_args(*constraints: Any, about: str = "fan") -> Any:
    """What the law wants kept for ten years."""
    return table_arguments(*constraints, about=about, keep="10 years")


def amount_column() -> Any:
    """An amount in minor units of the row's currency."""
    return Field(sa_type=BigInteger)
