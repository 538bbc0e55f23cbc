"""Query plans of imports for an agency that is missing in the table statistics, such as just after
another import."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from foundation.db.database import Scope
from schedules.imports import context, csv_rows, import_files
from tests.conftest import Cluster
from tests.schedules.builders import create_sandbox_agency
from tests.schedules.csv_files import FileImporter, format_csv

LINES = 600
AT_MOST = 20
"""Posts read per row; a nested loop over deliveries and posts would read hundreds."""


@pytest.fixture
def full(free: FileImporter, cluster: Cluster) -> Iterator[FileImporter]:
    """Yield an importer with a scheduled import, of an agency created after the last ANALYZE.

    According to the statistics there are many agencies with almost no rows each.
    """
    free.write(_file(free), plan=True)
    _count(cluster, "SET (n_distinct = -1)")
    one = FileImporter(create_sandbox_agency(free.desk.services, free.desk.network, tiers=0))
    one.write(_file(one), plan=True)
    yield one
    _count(cluster, "RESET (n_distinct)")


def _count(cluster: Cluster, agencies: str) -> None:
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        for name in ("posts", "deliveries"):
            connection.execute(text(f"ALTER TABLE {name} ALTER tenant_id {agencies}"))
            connection.execute(text(f"ANALYZE {name}"))
    engine.dispose()


def test_import_check_reads_few_rows_per_line(
    full: FileImporter,
) -> None:
    known = full.desk.services.connectors
    sheet = csv_rows.parse_file(_file(full), sorted(known))
    with full.desk.scope() as scope:
        before = _read(scope)
        against = context.load_import_context(scope, sheet.rows, {full.desk.creator_id}, known)
        assert _read(scope) - before <= LINES * AT_MOST
    assert sorted(len(one.times) for one in against.taken.values())[-1] == LINES


def test_import_undo_reads_few_rows_per_line(full: FileImporter) -> None:
    (found,) = [row.id for row in full.rows("SELECT id FROM imports WHERE tenant_id = :tenant")]
    with full.desk.scope() as scope:
        before = _read(scope)
        assert import_files.undo_import(scope, found, creators={full.desk.creator_id}) == (LINES, 0)
        assert _read(scope) - before <= LINES * AT_MOST
    assert set(full.states()) == {"cancelled"}


def _file(clerk: FileImporter) -> bytes:
    first = clerk.desk.now() + timedelta(days=1)
    times = ((number, first + timedelta(minutes=30 * number)) for number in range(LINES))
    return format_csv(
        clerk.row(number, date=f"{at:%Y-%m-%d}", time=f"{at:%H:%M}") for number, at in times
    )


def _read(scope: Scope) -> int:
    """Return the posts that this connection has read and not yet reported to the statistics."""
    return int(
        scope.run(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = "
            "'posts'"
        ).scalar_one()
    )
