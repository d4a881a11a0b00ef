"""What a person does at a sandbox's consent page, done by a program: for the demo and for other clients' tests."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import aiohttp


class ConsentFailed(RuntimeError):
    """The page did not do what a sandbox's consent page does. The message says what came instead."""


async def fill_consent_page(
    client: aiohttp.ClientSession, url: str, account: str = "", decision: str = "allow"
) -> dict[str, str]:
    """Fill in the form at `url` and send it; gives the query that the network sends back to the app's callback.

    `account`: whom to sign in as, the first where "". Raises ConsentFailed, aiohttp.ClientError.
    """
    async with client.get(url, allow_redirects=False) as page:
        form = await page.text()
        if page.status != 200:
            raise ConsentFailed(f"The consent page of {urlsplit(url).netloc} answered {page.status}: {form[:300]}")
    fields = {
        unescape(k): unescape(v) for k, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    }
    offered = [unescape(value) for value in re.findall(r'name="account" value="([^"]*)"', form)]
    if not offered or (account and account not in offered):
        raise ConsentFailed(
            f"Nobody {account!r} can sign in at {urlsplit(url).netloc}; there are: {', '.join(offered) or 'none'}."
        )
    given = {**fields, "account": account or offered[0], "decision": decision}
    async with client.post(url, data=given, allow_redirects=False) as done:
        if done.status != 302:
            raise ConsentFailed(
                f"The consent form of {urlsplit(url).netloc} answered {done.status}: {(await done.text())[:300]}"
            )
        return dict(parse_qsl(urlsplit(done.headers["Location"]).query))
