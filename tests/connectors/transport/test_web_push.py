"""Web Push: messages are encrypted as browsers expect, identify this installation, and contain no
text by a tenant."""

from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.transport import web_push
from tests.fakes.push_service import PushBrowser, decode

EXAMPLE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
    "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"


def test_fake_browser_decrypts_the_example_of_the_standard() -> None:
    """RFC 8291, section 5."""
    private = ec.derive_private_key(int.from_bytes(decode(PRIVATE), "big"), ec.SECP256R1())
    browser = PushBrowser("", private, decode(AUTH))
    assert browser.decrypt(decode(EXAMPLE)) == b"When I grow up, I want to be a watermelon"


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=web_push.MAX_PAYLOAD))
def test_browser_decrypts_what_was_encrypted_for_it(payload: bytes) -> None:
    browser = PushBrowser("")
    given = browser.subscription
    assert browser.decrypt(web_push.encrypt_payload(payload, given.key, given.auth)) == payload


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_key_of_an_installation_is_stable_and_its_own(door_key: str) -> None:
    first, again = (web_push.derive_push_key(door_key) for _ in range(2))
    other = web_push.derive_push_key(f"{door_key}x")
    assert web_push.public_key_of(first) == web_push.public_key_of(again)
    assert web_push.public_key_of(first) != web_push.public_key_of(other)
    assert len(decode(web_push.public_key_of(first))) == 65
