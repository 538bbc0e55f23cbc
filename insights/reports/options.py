"""The choices of a report: formats, audiences, and facts that clients usually do not see."""

from enum import StrEnum
from typing import Literal

Audience = Literal["team", "client"]
AUDIENCES: tuple[Audience, ...] = ("team", "client")

Internal = Literal["fees", "costs", "staff"]
INTERNALS: tuple[Internal, ...] = ("fees", "costs", "staff")
"""Facts that a client's report contains only if the agency allows them."""


class ReportFormat(StrEnum):
    """The formats of a report."""

    HTML = "html"
    PDF = "pdf"
    CSV = "csv"
    XLSX = "xlsx"


ATTACHABLE = (ReportFormat.PDF, ReportFormat.CSV, ReportFormat.XLSX)
"""Formats that can be attached to an email."""
