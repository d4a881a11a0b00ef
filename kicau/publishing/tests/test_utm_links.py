"""Links carry the campaign, and nothing else of the text changes."""

from __future__ import annotations

import pytest

from kicau.publishing.content.utm_links import campaign_slug, link_marker

Q = "utm_source=x&utm_medium=social&utm_campaign=lembang-opens"


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Read https://kopi.example/a.", f"Read https://kopi.example/a?{Q}."),
        ("(https://kopi.example)", f"(https://kopi.example/?{Q})"),
        ("https://w.example/Kopi_(minuman)", f"https://w.example/Kopi_(minuman)?{Q}"),
        ("https://kopi.example/?q=1#menu here", f"https://kopi.example/?q=1&{Q}#menu here"),
        ("http://a.example/ dan https://b.example/", f"http://a.example/?{Q} dan https://b.example/?{Q}"),
        ("https://kopi.example/?utm_source=mail", "https://kopi.example/?utm_source=mail"),
        ("kopi.example, https:// and https://[bad", "kopi.example, https:// and https://[bad"),
        ("", ""),
    ],
)
def test_every_link_is_marked_once(text, marked):
    mark = link_marker("x", "Lembang opens!")
    assert mark(text) == marked
    assert mark(mark(text)) == marked


def test_a_campaigns_short_name():
    assert campaign_slug("  Ngopi Bareng 2027: Édisi #1 ") == "ngopi-bareng-2027-édisi-1"
