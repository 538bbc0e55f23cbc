"""Ages that members typed in an older version are invalid after the upgrade."""

from pathlib import Path

from sqlalchemy import create_engine, text

from tests.conftest import Cluster
from tests.deploy.test_database_setup import NAME, elsewhere, just_before, settings
from workers.installation import database_setup

__all__ = ["elsewhere"]

TENANT = "0198c0de-0000-7000-8000-000000000001"
_ROWS = """
INSERT INTO persons (tenant_id, id, kind, display_ref, state)
VALUES (:t, :t, 'real', 'Ida', 'active');
INSERT INTO identity_checks (tenant_id, id, person_id, custodian, method, result, verified_at,
  evidence_digest, noted_by)
SELECT :t, gen_random_uuid(), :t, 'C', 'document', 'over_18', house_now(), 'e', noted_by
FROM (VALUES ('member:a'), ('member:b'), ('')) AS r (noted_by);
INSERT INTO age_assurances (tenant_id, id, platform, user_id, state, method, level, over_18,
  jurisdiction, epoch, custodian, confirmed_by, why)
SELECT :t, gen_random_uuid(), 'telegram', user_id, state, method, 'L4', true, '', 1, 'C', 'm', 'w'
FROM (VALUES ('typed', 'assured', 'review'), ('checked', 'assured', 'yoti.doc_scan'),
  ('minor', 'blocked', 'review')) AS r (user_id, state, method)
"""


def test_only_external_evidence_remains_valid(elsewhere: Cluster, tmp_path: Path) -> None:
    house = settings(elsewhere, tmp_path)
    database_setup.migrate_database(house)
    just_before(elsewhere, "0125")
    superuser = create_engine(elsewhere.url("postgres", NAME))
    with superuser.begin() as connection:
        for statement in _ROWS.split(";"):
            connection.execute(text(statement), {"t": TENANT})
    database_setup.migrate_database(house)
    with superuser.connect() as connection:
        checks = "SELECT noted_by, withdrawn_by FROM identity_checks ORDER BY noted_by"
        assert connection.execute(text(checks)).all() == [
            ("", ""),
            ("member:a", "system:migration"),
            ("member:b", "system:migration"),
        ]
        viewers = "SELECT user_id, state, over_18 FROM age_assurances ORDER BY user_id"
        assert connection.execute(text(viewers)).all() == [
            ("checked", "assured", True),
            ("minor", "blocked", True),
            ("typed", "reset", False),
        ]
        forced = (
            "SELECT bool_and(relforcerowsecurity) FROM pg_class"
            " WHERE relname IN ('identity_checks', 'age_assurances', 'age_requests')"
        )
        assert connection.execute(text(forced)).scalar_one()
    superuser.dispose()
