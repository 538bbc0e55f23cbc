"""A separate agency for each test."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from tests.tenants.builders import Agency, create_small_agency


@pytest.fixture
def lumiere(tenant: OpenScope, tenant_id: UUID) -> Agency:
    return create_small_agency(tenant, tenant_id)
