"""Import files of posts, and an importer that uploads and inspects them."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from schedules.imports import import_files
from schedules.imports.cell_formats import COLUMNS
from schedules.imports.csv_rows import BODY_COLUMN_PREFIX, PRICE_COLUMN_PREFIX
from schedules.imports.import_files import ImportView
from schedules.imports.option_columns import OPTION_PREFIX
from tests.schedules.builders import SandboxAgency


def format_csv(
    rows: Iterable[Mapping[str, object]], *, columns: Iterable[str] = COLUMNS, sign: str = ","
) -> bytes:
    """Return a CSV file with these rows."""
    out, lines = io.StringIO(newline=""), list(rows)
    others = {
        name
        for line in lines
        for name in line
        if name.startswith((BODY_COLUMN_PREFIX, PRICE_COLUMN_PREFIX, OPTION_PREFIX))
    }
    writer = csv.DictWriter(
        out, [*dict.fromkeys([*columns, *sorted(others)])], delimiter=sign, restval=""
    )
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().encode()


@dataclass
class FileImporter:
    """A member who imports files for Léa."""

    desk: SandboxAgency

    def day(self, ahead: int = 1) -> str:
        """Return the date that many days ahead."""
        return f"{self.desk.now() + timedelta(days=ahead):%Y-%m-%d}"

    def row(self, key: object = 1, **more: object) -> dict[str, object]:
        """Return a valid row."""
        usual = {
            "key": key,
            "creator": "Léa",
            "channels": "main",
            "date": self.day(),
            "time": "10:00",
        }
        return {**usual, "zone": "Europe/Paris", "body": f"bonjour {key}", **more}

    def bring(self, data: bytes, *, look: bool = True) -> UUID:
        """Upload a file and, with `look`, let it be checked. Return the import ID."""
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            found = import_files.create_import(
                scope, data, name="posts.csv", creators={self.desk.creator_id}
            )
        if look:
            self.desk.run()
        return found

    def ask(self, import_id: UUID, *, plan: bool = False) -> None:
        """Confirm the import."""
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            import_files.confirm_import(
                scope, import_id, plan=plan, creators={self.desk.creator_id}
            )

    def write(self, data: bytes, *, plan: bool = False) -> UUID:
        """Upload, check and confirm a file."""
        found = self.bring(data)
        assert self.shown(found).state == "ready", self.problems(found)
        self.ask(found, plan=plan)
        self.desk.run()
        return found

    def undo(self, import_id: UUID) -> tuple[int, int]:
        """Undo the import."""
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            return import_files.undo_import(scope, import_id, creators={self.desk.creator_id})

    def shown(self, import_id: UUID) -> ImportView:
        """Return the import as its page shows it."""
        with self.desk.scope() as scope:
            return import_files.get_import(scope, import_id, creators={self.desk.creator_id})

    def said(self, import_id: UUID, *, grave: bool) -> list[tuple[int, str, str]]:
        """Return line, column and code of each finding of one severity."""
        found = self.shown(import_id).findings
        return [(one.line, one.column, one.message.code) for one in found if one.grave is grave]

    def problems(self, import_id: UUID) -> list[tuple[int, str, str]]:
        """Return the findings that block the import."""
        return self.said(import_id, grave=True)

    def marks(self, import_id: UUID) -> list[tuple[int, str, str]]:
        """Return the findings that do not block the import."""
        return self.said(import_id, grave=False)

    def rows(self, statement: str) -> list[Any]:
        """Return the rows of a statement for this tenant."""
        with self.desk.scope() as scope:
            return list(scope.run(statement, tenant=self.desk.tenant_id))

    def count(self, table: str) -> int:
        """Return the number of rows of this tenant in a table."""
        return int(self.rows(f"SELECT count(*) AS n FROM {table} WHERE tenant_id = :tenant")[0].n)

    def states(self) -> list[str]:
        """Return the states of all deliveries, sorted."""
        return sorted(
            row.state for row in self.rows("SELECT state FROM deliveries WHERE tenant_id = :tenant")
        )
