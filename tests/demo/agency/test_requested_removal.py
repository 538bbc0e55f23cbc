"""The removal that an owner requests in the dashboard deletes the demo agencies and nothing
else."""

import base64
from pathlib import Path

from demo.agency import lifecycle
from demo.agency.cast import LUMIERE
from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.ops.settings import DatabaseSettings, Settings, TenantsSettings
from tenants.agencies import agencies
from tenants.auth.demo_removal import DemoRemovalRequested
from tenants.notices.queries import list_open_notices
from tenants.scope import list_tenant_ids
from tests.conftest import Cluster


def test_workers_delete_the_demo_and_report_a_missing_login(
    cluster: Cluster, tenant: OpenScope, tmp_path: Path
) -> None:
    own = uuid7()
    for tenant_id, demo in ((own, False), (LUMIERE.tenant_id, True)):
        with tenant(tenant_id, "system:test") as scope:
            agencies.create_agency(scope, name="A", language="fr", zone="UTC", demo=demo)
    settings = Settings(
        home=tmp_path,
        environment="production",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=base64.b64encode(bytes(range(32))).decode()),
    )
    event = DemoRemovalRequested(own, own)
    lifecycle.remove_requested_demo(event, tenant=tenant, settings=settings)
    assert LUMIERE.tenant_id in list_tenant_ids(tenant)
    with tenant(own, "system:test") as scope:
        (notice,) = list_open_notices(scope)
    assert notice.message.code == "demo.no_owner_login"
    owner = settings.database.model_copy(
        update={
            "owner_url": type(settings.database.work_url)(cluster.url("greenroom_owner", "house"))
        }
    )
    settings = settings.model_copy(update={"database": owner})
    for _ in range(2):  # repeated after an interruption
        lifecycle.remove_requested_demo(event, tenant=tenant, settings=settings)
    assert LUMIERE.tenant_id not in list_tenant_ids(tenant)
    assert own in list_tenant_ids(tenant)
    with tenant(own, "system:test") as scope:
        assert list_open_notices(scope) == []
