"""Files of posts as tests write them, and what becomes of them."""

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
    """A file with these lines."""
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
    """Somebody who brings in files for Léa."""

    desk: SandboxAgency

    def day(self, ahead: int = 1) -> str:
        """The date so many days ahead."""
        return f"{self.desk.now() + timedelta(days=ahead):%Y-%m-%d}"

    def row(self, key: object = 1, **more: object) -> dict[str, object]:
        """A line that is well."""
        usual = {
            "key": key,
            "creator": "Léa",
            "channels": "main",
            "date": self.day(),
            "time": "10:00",
        }
        return {**usual, "zone": "Europe/Paris", "body": f"bonjour {key}", **more}

    def bring(self, data: bytes, *, look: bool = True) -> UUID:
        """Bring a file in, and let it be looked at."""
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            found = import_files.create_import(
                scope, data, name="posts.csv", creators={self.desk.creator_id}
            )
        if look:
            self.desk.run()
        return found

    def ask(self, import_id: UUID, *, plan: bool = False) -> None:
        """Say that it is to be written."""
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            import_files.confirm_import(
                scope, import_id, plan=plan, creators={self.desk.creator_id}
            )

    def write(self, data: bytes, *, plan: bool = False) -> UUID:
        """Bring in, look at and write a file."""
        found = self.bring(data)
        assert self.shown(found).state == "ready", self.problems(found)
        self.ask(found, plan=plan)
        self.desk.run()
        return found

    def undo(self, import_id: UUID) -> tuple[int, int]:
        """Take it back."""
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            return import_files.undo_import(scope, import_id, creators={self.desk.creator_id})

    def shown(self, import_id: UUID) -> ImportView:
        """The file as its page shows it."""
        with self.desk.scope() as scope:
            return import_files.get_import(scope, import_id, creators={self.desk.creator_id})

    def said(self, import_id: UUID, *, grave: bool) -> list[tuple[int, str, str]]:
        """Line, column and code of each finding."""
        found = self.shown(import_id).findings
        return [(one.line, one.column, one.message.code) for one in found if one.grave is grave]

    def problems(self, import_id: UUID) -> list[tuple[int, str, str]]:
        """What keeps it from being written."""
        return self.said(import_id, grave=True)

    def marks(self, import_id: UUID) -> list[tuple[int, str, str]]:
        """What is worth knowing."""
        return self.said(import_id, grave=False)

    def rows(self, statement: str) -> list[Any]:
        """Rows of this tenant."""
        with self.desk.scope() as scope:
            return list(scope.run(statement, tenant=self.desk.tenant_id))

    def count(self, table: str) -> int:
        """How many rows a table has here."""
        return int(self.rows(f"SELECT count(*) AS n FROM {table} WHERE tenant_id = :tenant")[0].n)

    def states(self) -> list[str]:
        """The states of all deliveries, sorted."""
        return sorted(
            row.state for row in self.rows("SELECT state FROM deliveries WHERE tenant_id = :tenant")
        )
