"""Forms sealed by web processes: only the workers of the installation can decrypt them, for one
tenant."""

import secrets

import pytest

from foundation.errors import Unavailable
from foundation.ids import uuid7
from tenants.vault import sealed_intake


def test_sealed_form_opens_only_for_its_tenant_and_master_key() -> None:
    master, tenant_id = secrets.token_bytes(32), uuid7()
    letter = sealed_intake.seal_form(
        sealed_intake.derive_public_key(master), tenant_id, {"token": "12:secret"}
    )
    assert b"secret" not in letter
    assert sealed_intake.unseal_form(master, tenant_id, letter) == {"token": "12:secret"}
    for key, tenant in ((master, uuid7()), (secrets.token_bytes(32), tenant_id)):
        with pytest.raises(Unavailable, match=r"vault\.cannot_open"):
            sealed_intake.unseal_form(key, tenant, letter)
    with pytest.raises(Unavailable, match=r"vault\.cannot_open"):
        sealed_intake.unseal_form(master, tenant_id, letter[:10])


@pytest.mark.parametrize("key", ["", "not base64!", "AAAA"])
def test_sealing_requires_public_key(key: str) -> None:
    with pytest.raises(Unavailable, match=r"vault\.no_letterbox"):
        sealed_intake.seal_form(key, uuid7(), {"token": "x"})
