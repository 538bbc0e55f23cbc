"""The rule of email addresses, for generated addresses and for those that are no address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.email_addresses import MAX_EMAIL_LENGTH, parse_email_address

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True).filter(
    lambda label: "--" not in label
)
LOCAL = st.from_regex(r"[A-Za-z0-9_+-]{1,20}(\.[A-Za-z0-9_+-]{1,10}){0,2}", fullmatch=True)
TOP = st.sampled_from(["fr", "com", "test", "example", "paris"])


@given(local=LOCAL, labels=st.lists(LABEL, min_size=1, max_size=3), top=TOP)
def test_plain_address_is_returned_with_its_domain_in_lower_case(
    local: str, labels: list[str], top: str
) -> None:
    domain = ".".join((*labels, top))
    assert parse_email_address(f" {local}@{domain.upper()}\n") == f"{local}@{domain}"


@given(local=LOCAL, label=LABEL)
def test_domain_needs_a_dot(local: str, label: str) -> None:
    assert parse_email_address(f"{local}@{label}") is None


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "nora",
        "nora@",
        "@atelier.fr",
        "nora@atelier",
        "nora@localhost",
        "nora@atelier.f",
        "nora@10.0.0.1",
        "nora@[10.0.0.1]",
        "nora@@atelier.fr",
        "no ra@atelier.fr",
        '"no ra"@atelier.fr',
        "Nora <nora@atelier.fr>",
        "nora@atelier.fr, mia@atelier.fr",
        "nora@atelier.fr\nBcc: mia@atelier.fr",
        "nora..b@atelier.fr",
        ".nora@atelier.fr",
        "nora@-atelier.fr",
        "nora@ate_lier.fr",
        "nora@atelier..fr",
        "nora@atelier.fr\x00",
        "nöra@atelier.fr",
        f"{'n' * 65}@atelier.fr",
        f"nora@{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 10}.fr",
    ],
)
def test_anything_else_is_refused(typed: str) -> None:
    assert parse_email_address(typed) is None


def test_international_domain_has_its_ascii_form() -> None:
    assert parse_email_address("nora@Ätelier.fr") == "nora@xn--telier-9ta.fr"


@given(st.text(max_size=MAX_EMAIL_LENGTH + 20))
def test_result_is_one_line_of_ascii(typed: str) -> None:
    found = parse_email_address(typed)
    assert found is None or (found.isascii() and found.isprintable() and len(found.split()) == 1)
