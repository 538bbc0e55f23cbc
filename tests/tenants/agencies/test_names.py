"""Names are one line of visible text without direction marks; email addresses are single
addresses, and those that reach one mailbox have one key."""

import unicodedata
from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foundation.errors import BadInput
from tenants.agencies.names import (
    MAIL_PROVIDERS,
    MAX_NAME_LENGTH,
    RESERVED_HANDLES,
    MailProvider,
    check_handle,
    mailbox_key,
    make_handle,
    normalize_email,
    normalize_name,
)

MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(map(chr, [*range(9), *range(14, 28), 0x7F, *range(0x80, 0x85), 0xD800, 0xDFFF]))


@given(st.text(max_size=3), st.sampled_from(MARKS + CONTROLS), st.text(max_size=3))
def test_direction_marks_and_control_characters_are_rejected(
    before: str, odd: str, after: str
) -> None:
    with pytest.raises(BadInput, match=r"name\.unfit"):
        normalize_name(f"A{before}{odd}{after}z")


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"], blacklist_characters=MARKS)))
def test_valid_name_is_normalized_once_to_one_line(typed: str) -> None:
    name = f"L {typed[:50]} é"
    found = normalize_name(name)
    assert found == normalize_name(found) == unicodedata.normalize("NFC", found)
    assert len(found.splitlines()) == 1
    assert "  " not in found


@pytest.mark.parametrize(
    "typed", ["", " ", "\u200b", "\ufeff\xa0", "\u0301", "x" * (MAX_NAME_LENGTH + 1)]
)
def test_empty_and_overlong_names_are_rejected(typed: str) -> None:
    with pytest.raises(BadInput):
        normalize_name(typed)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" Léa\n Martin ", "Léa Martin"),
        ("Le\u0301a", "Léa"),
        ("نور\u200cا", "نور\u200cا"),
        ("דנה\u200f", "דנה\u200f"),
        ("👩‍👧", "👩‍👧"),
        ("<b>Ann</b>", "<b>Ann</b>"),
    ],
)
def test_names_in_any_script_are_preserved(typed: str, name: str) -> None:
    assert normalize_name(typed) == name


@given(st.sampled_from('\r\n\t ,;:<>()[]\\"\0\u2028\u202e\x7f@'), st.integers(0, 15))
def test_email_address_with_separators_is_rejected(odd: str, at: int) -> None:
    whole = "lea@maison.example"
    typed = whole[: at + 1] + odd + whole[at + 1 :]
    with pytest.raises(BadInput, match=r"member\.bad_email"):
        normalize_email(typed)
    assert normalize_email(f" {whole} ") == whole


@given(st.sampled_from(sorted(RESERVED_HANDLES)), st.data())
def test_reserved_handle_is_refused_in_every_spelling(handle: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(handle)))
    spellings = [
        handle,
        handle.upper(),
        handle.title(),
        f"{handle[:at]}-{handle[at:]}",
        f"{handle}-",
    ]
    for spelling in spellings:
        with pytest.raises(BadInput, match=r"creator\.handle"):
            check_handle(spelling)


@given(
    st.sampled_from(sorted(RESERVED_HANDLES)),
    st.sampled_from(["\u0301", "\u0308", "\u200b", " ", ""]),
    st.booleans(),
    st.uuids(),
)
def test_handle_made_from_a_reserved_name_is_not_reserved(
    handle: str, mark: str, upper: bool, key: UUID
) -> None:
    name = handle[:1] + mark + handle[1:]
    made = make_handle(name.upper() if upper else name, key)
    check_handle(made)
    assert made.replace("-", "") != handle.replace("-", "")


LOCALS = st.from_regex(r"[a-z0-9]{1,8}([._-][a-z0-9]{1,5}){0,2}", fullmatch=True)
TAGS = st.from_regex(r"(\+[a-z0-9.+_-]{0,8})?", fullmatch=True)
PROVIDERS = st.sampled_from(MAIL_PROVIDERS)
HOSTS = st.sampled_from(
    ["example.test", "mail.example.test", "müller.example", "例え.テスト", "straße.example"]
)
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
SPELLINGS = st.sampled_from(
    [
        str,
        str.upper,
        str.title,
        lambda text: f"\t{text} ",
        lambda text: text.translate(FULL_WIDTH),
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: f"{text}.",
        lambda text: text.replace(".", "。") if "@" not in text.rpartition(".")[2] else text,
    ]
)
"""Spellings of an address that mail servers deliver to the same mailbox. The full stop of Chinese
and Japanese separates labels of a host (UTS 46)."""


def spelled(spell: Callable[[str], str], local: str, host: str) -> str:
    """Spell an address; what is only permitted in a host is not done to the name."""
    whole = spell(f"{local}@{host}")
    return whole if "。" not in whole else f"{local}@{whole.rpartition('@')[2]}"


@given(LOCALS, TAGS, HOSTS, SPELLINGS)
def test_spellings_and_tags_of_an_address_have_the_same_key(
    local: str, tag: str, host: str, spell: Callable[[str], str]
) -> None:
    assume("ß" not in host or spell is not str.upper)  # its capitals are two letters "S"
    plain = mailbox_key(f"{local}@{host}")
    assert mailbox_key(spelled(spell, local + tag, host)) == plain
    assert mailbox_key(spelled(spell, local + tag, idna_form(host))) == plain
    assert plain == f"{local}@{idna_form(host)}"


@given(LOCALS, TAGS, PROVIDERS, st.data())
def test_addresses_of_a_provider_have_the_same_key_as_documented(
    local: str, tag: str, provider: MailProvider, data: st.DataObject
) -> None:
    first, second = (data.draw(st.sampled_from(provider.hosts)) for _ in range(2))
    key = mailbox_key(f"{local}@{first}")
    other = local.translate(str.maketrans(dict(provider.letters))) or local
    assert mailbox_key(f"{other}{tag}@{second}") == key
    assert key.endswith(f"@{provider.hosts[0]}")
    if provider.subdomains:
        name = local.translate(str.maketrans("._", "--"))
        assert mailbox_key(f"anything@{name}.{first}") == mailbox_key(f"{name}@{first}")


@given(LOCALS, LOCALS, HOSTS)
def test_other_names_and_hosts_have_other_keys(one: str, other: str, host: str) -> None:
    assume(one != other)
    assert mailbox_key(f"{one}@{host}") != mailbox_key(f"{other}@{host}")
    assert mailbox_key(f"{one}@{host}") != mailbox_key(f"{one}@other.example")


@given(LOCALS, st.integers(0, 8))
def test_dots_distinguish_mailboxes_of_other_hosts(local: str, at: int) -> None:
    assume(0 < at < len(local) and "." not in (local[at - 1], local[at]))
    dotted = f"{local[:at]}.{local[at:]}"
    assert mailbox_key(f"{dotted}@example.test") != mailbox_key(f"{local}@example.test")
    assert mailbox_key(f"{dotted}@gmail.com") == mailbox_key(f"{local}@googlemail.com")


@given(st.text(max_size=40) | st.builds("{}@{}".format, st.text(max_size=9), st.text(max_size=9)))
def test_any_text_has_a_key_that_is_its_own_key(typed: str) -> None:
    key = mailbox_key(typed)
    assert mailbox_key(key) == key


def test_providers_name_their_documentation_and_no_host_twice() -> None:
    hosts = [host for provider in MAIL_PROVIDERS for host in provider.hosts]
    assert len(set(hosts)) == len(hosts)
    assert all(one.startswith("https://") for each in MAIL_PROVIDERS for one in each.sources)
    assert all(each.sources for each in MAIL_PROVIDERS)


def idna_form(host: str) -> str:
    return normalize_email(f"x@{host}").partition("@")[2]
