"""The operator's list of places that may be searched (KICAU_AUDIT_FOLDERS), and addresses inside them.

What somebody types, or what a bucket or list names, is a plain address: it never says which server is asked, with which
sign-in, or with which options. Those come from the operator's own entry, such as
`s3://bucket/data?endpoint_override=storage.example.org:9000`.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

BUCKET_SCHEMES = ("s3", "gs", "gcs")
FORBIDDEN_CHARACTERS = frozenset("?#@%\\")


def is_plain_address(address: str) -> bool:
    """Whether an address says nothing but where something is: no options, sign-in, encoding or way upwards."""
    return (
        FORBIDDEN_CHARACTERS.isdisjoint(address)
        and ".." not in address
        and all(letter.isprintable() and not letter.isspace() for letter in address)
    )


def public_entry(entry: str) -> str:
    """An operator's entry without its sign-in and options: what others may see, and what addresses are compared with."""
    if "://" not in entry:
        return entry
    parts = urlsplit(entry)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")).rstrip("/")


def entry_of_address(address: str, entries: Iterable[str]) -> str | None:
    """The operator's entry that an address lies in, whole; the longest where there are several."""
    found = [
        one
        for one in entries
        if "://" in one and (address == public_entry(one) or address.startswith(f"{public_entry(one)}/"))
    ]
    return max(found, key=lambda one: len(public_entry(one)), default=None)
