"""The names that a share link shows: those that the safety check allows now. A number stands for
any other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from foundation.db.database import Scope
from gate.contract.units import Text
from gate.surfaces.contents import Content
from gate.surfaces.decisions import show_allowed
from insights.reports.tables.analytics_tables import AnalyticsTable
from tenants.agencies.queries import Creator

SHARE_SURFACE = "page.share_link"
NAME_COLUMNS = ("creator", "item", "channel")
"""Columns of tables with names that members typed."""


def name_content(name: str, creators: Sequence[UUID], column: str = "") -> Content:
    """Return a name as content. The name of an account may be a host, which is no link there."""
    shown = name.replace(".", " ") if column == "channel" else name
    return Content(SHARE_SURFACE, tuple(creators), (Text("name", shown),))


def show_names(
    scope: Scope, link_name: str, creators: Sequence[Creator], tables: Sequence[AnalyticsTable]
) -> tuple[str, list[Creator], list[AnalyticsTable]]:
    """Return the name of a link, its creators and its tables with the names that may be shown.

    The same number stands for a name everywhere on the page. The name of the link becomes empty.
    """
    names = list(
        dict.fromkeys(
            [
                ("", link_name),
                *(("creator", one.name) for one in creators),
                *(pair for table in tables for pair in _names_of_table(table)),
            ]
        )
    )
    ids = [one.id for one in creators]
    shown = show_allowed(scope, [name_content(name, ids, column) for column, name in names])
    called = {
        pair: pair[1] if one.is_whole else f"#{number}"
        for number, (pair, one) in enumerate(zip(names, shown, strict=True))
    }
    return (
        link_name if shown[0].is_whole else "",
        [replace(one, name=called["creator", one.name]) for one in creators],
        [_replace_names(table, called) for table in tables],
    )


def _names_of_table(table: AnalyticsTable) -> list[tuple[str, str]]:
    return [
        (column, value)
        for row in table.rows
        for column, value in zip(table.columns, row, strict=True)
        if column in NAME_COLUMNS and isinstance(value, str) and value
    ]


def _replace_names(table: AnalyticsTable, called: Mapping[tuple[str, str], str]) -> AnalyticsTable:
    rows = tuple(
        tuple(
            called.get((column, value), value) if isinstance(value, str) else value
            for column, value in zip(table.columns, row, strict=True)
        )
        for row in table.rows
    )
    return replace(table, rows=rows)
