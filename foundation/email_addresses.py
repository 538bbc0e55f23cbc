"""Email addresses: the one rule for every field, parameter and file that takes one. Nothing is
looked up in the network."""

from email_validator import EmailNotValidError, validate_email

MAX_EMAIL_LENGTH = 254
"""Maximum length of an address in characters (RFC 5321 §4.5.3.1.3, without the angle brackets)."""


def parse_email_address(typed: str) -> str | None:
    """Return the address of one mailbox without surrounding whitespace, or None for anything else.

    An address has an ASCII local part and a domain name with a dot, as mail servers of the internet
    require; an international domain is returned in its ASCII form, and any domain in lower case.
    Display names, lists, quoted local parts and IP addresses are refused.
    """
    try:
        found = validate_email(
            typed.strip(),
            strict=True,
            allow_smtputf8=False,
            allow_quoted_local=False,
            check_deliverability=False,
            globally_deliverable=False,  # it refuses reserved names, which test networks use
            test_environment=True,
        )
    except EmailNotValidError:
        return None
    top = found.ascii_domain.rpartition(".")[2]
    if found.ascii_email is None or top == found.ascii_domain or len(top) < 2 or top.isdigit():
        return None
    return found.ascii_email
