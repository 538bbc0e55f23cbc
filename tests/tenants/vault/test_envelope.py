"""Encrypted secrets: only their tenant can decrypt them, and no output reveals them."""

import base64
import copy
import json
import pickle
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope
from foundation.errors import Unavailable
from foundation.ids import uuid7
from foundation.sealed import RevealSecret, Sealed, SealSecret
from tenants.vault import envelope, unseal

MASTER = secrets.token_bytes(32)
TOKEN = "canary-token-5c1e"


@pytest.fixture
def both(tenant: OpenScope) -> tuple[RevealSecret, SealSecret]:
    return unseal.vault_functions(tenant, MASTER)


def test_sealed_secret_is_revealed_to_its_tenant(
    both: tuple[RevealSecret, SealSecret], tenant_id: UUID
) -> None:
    reveal, seal = both
    assert reveal(tenant_id, seal(tenant_id, TOKEN)) == TOKEN


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(secret=st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_round_trips(
    both: tuple[RevealSecret, SealSecret], tenant_id: UUID, secret: str
) -> None:
    reveal, seal = both
    assert reveal(tenant_id, seal(tenant_id, secret)) == secret


def test_same_secret_is_encrypted_differently_each_time(
    both: tuple[RevealSecret, SealSecret], tenant_id: UUID
) -> None:
    _, seal = both
    assert seal(tenant_id, TOKEN).box != seal(tenant_id, TOKEN).box


def test_packages_and_startup_code_seal_alike(
    both: tuple[RevealSecret, SealSecret], tenant: OpenScope, tenant_id: UUID
) -> None:
    reveal, _ = both
    with tenant(tenant_id, "system:test") as scope:
        sealed = envelope.seal_secret(scope, MASTER, TOKEN)
    assert reveal(tenant_id, sealed) == TOKEN


def test_box_of_another_tenant_cannot_be_opened(
    both: tuple[RevealSecret, SealSecret], tenant_id: UUID
) -> None:
    reveal, seal = both
    sealed, stranger = seal(tenant_id, TOKEN), uuid7()
    seal(stranger, "something of their own")
    with pytest.raises(Unavailable, match=r"vault\.cannot_open"):
        reveal(stranger, sealed)


def test_key_copied_to_another_tenant_cannot_be_opened(tenant: OpenScope, tenant_id: UUID) -> None:
    """A copied row of `vault_keys` is useless even without row-level security."""
    stranger = uuid7()
    with tenant(tenant_id, "system:test") as scope:
        envelope.get_data_key(scope, MASTER)
        wrapped = scope.run(
            "SELECT wrapped FROM vault_keys WHERE tenant_id = :t", t=tenant_id
        ).scalar_one()
    with tenant(stranger, "system:test") as scope:
        scope.run(
            "INSERT INTO vault_keys (tenant_id, id, generation, wrapped) VALUES (:t, :id, 1, :w)",
            t=stranger,
            id=uuid7(),
            w=wrapped,
        )
        with pytest.raises(Unavailable, match=r"vault\.cannot_open"):
            envelope.get_data_key(scope, MASTER)


def test_tampered_box_cannot_be_opened(
    both: tuple[RevealSecret, SealSecret], tenant_id: UUID
) -> None:
    reveal, seal = both
    box = seal(tenant_id, TOKEN).box
    changed = [
        bytes([*box[:place], box[place] ^ 1, *box[place + 1 :]]) for place in range(len(box))
    ]
    for broken in [*changed, box[:-1], box + b"\x00", b"", b"x", box[:12], b"\x00" * 28]:
        with pytest.raises(Unavailable, match=r"vault\.cannot_open"):
            reveal(tenant_id, Sealed(broken))


def test_concurrent_first_use_creates_one_key(tenant: OpenScope, tenant_id: UUID) -> None:
    def key(_: int) -> bytes:
        with tenant(tenant_id, "system:test") as scope:
            return envelope.get_data_key(scope, MASTER)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(key, range(8)))) == 1
    with tenant(tenant_id, "system:test") as scope:
        assert (
            scope.run("SELECT count(*) FROM vault_keys WHERE tenant_id = :t", t=tenant_id).scalar()
            == 1
        )


def test_stored_key_is_encrypted(tenant: OpenScope, tenant_id: UUID) -> None:
    with tenant(tenant_id, "system:test") as scope:
        key = envelope.get_data_key(scope, MASTER)
        row = scope.run(
            "SELECT wrapped FROM vault_keys WHERE tenant_id = :t", t=tenant_id
        ).scalar_one()
    assert len(key) == 32
    assert key not in row
    assert MASTER not in row


def test_another_master_key_cannot_decrypt(
    tenant: OpenScope, both: tuple[RevealSecret, SealSecret], tenant_id: UUID
) -> None:
    _, seal = both
    sealed = seal(tenant_id, TOKEN)
    reveal, _ = unseal.vault_functions(tenant, secrets.token_bytes(32))
    with pytest.raises(Unavailable, match=r"vault\.cannot_open"):
        reveal(tenant_id, sealed)


@pytest.mark.parametrize(
    "encoded", ["", "short", base64.b64encode(b"x" * 31).decode(), "é", "====", "0" * 64]
)
def test_missing_or_invalid_master_key_is_reported(encoded: str) -> None:
    with pytest.raises(Unavailable, match=r"vault\.no_master_key") as failed:
        envelope.parse_master_key(encoded)
    assert not encoded or encoded not in str(failed.value)


def test_valid_master_key_is_parsed() -> None:
    assert envelope.parse_master_key(base64.b64encode(MASTER).decode()) == MASTER


def test_sealed_value_is_not_shown_or_serialized(
    both: tuple[RevealSecret, SealSecret], tenant_id: UUID
) -> None:
    _, seal = both
    sealed = seal(tenant_id, TOKEN)
    shown = [
        repr(sealed),
        str(sealed),
        f"{sealed}",
        f"{sealed!r}",
        canonical_json({"token": sealed}).decode(),
    ]
    shown += [repr([sealed]), repr({"token": sealed}), str(replace(sealed))]
    for text in shown:
        assert TOKEN not in text
        assert sealed.box.hex() not in text
        assert repr(sealed.box)[2:-1] not in text
    with pytest.raises(TypeError):
        json.dumps(sealed)
    assert TOKEN.encode() not in pickle.dumps(copy.copy(sealed))


def test_decryption_error_contains_no_secret(
    both: tuple[RevealSecret, SealSecret], tenant_id: UUID
) -> None:
    reveal, seal = both
    sealed = seal(tenant_id, TOKEN)
    with pytest.raises(Unavailable) as failed:
        reveal(uuid7(), sealed)
    assert TOKEN not in repr(failed.value)
    assert sealed.box.hex() not in repr(failed.value)
