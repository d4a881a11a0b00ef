"""No address that a network gives is kept or shown unless it is a page's."""

from __future__ import annotations

import pytest

from kicau.connector.addresses import web_address


@pytest.mark.parametrize(
    "given",
    ["https://kopi.example/1", "http://kopi.example", "HTTPS://kopi.example/ü?a=1&b=2#c", " https://kopi.example "],
)
def test_a_page_is_kept(given):
    assert web_address(given) == given.strip()


@pytest.mark.parametrize(
    "given",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://kopi.example",
        "java\nscript:alert(1)",
        " javascript:https://kopi.example",
        "data:text/html,<script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//kopi.example",
        "at://did:plc:1/app.bsky.feed.post/2",
        "https:kopi.example",
        "https://",
        "https:///kopi.example",
        "https://kopi.example/" + "a" * 1000,
        "",
        None,
        7,
    ],
)
def test_what_is_no_page_is_left_out(given):
    assert web_address(given) == ""
