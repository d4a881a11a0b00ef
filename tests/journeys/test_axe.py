"""No page breaks a rule of accessibility, in any theme, wide or narrow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.screenshots import addresses, open_as, stock

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
RUN = "() => axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.any.concat(n.all, n.none).map(c => c.message).join(' ')).join(' | ')))"


CONTRAST = RUN.replace("{resultTypes", "{runOnly: ['color-contrast'], resultTypes")


@pytest.mark.parametrize("width", [1360, 360])
def test_axe_finds_nothing(browser, site, transactional_db, owner, workspace, actor, width):
    """Every rule in the light; in the dark and in high contrast, what colours can break."""
    things = stock(actor, workspace)
    context = open_as(browser, site, owner, "light", width, 900)
    context.add_init_script(AXE)
    page = context.new_page()
    found = []
    for title, address in {**addresses(actor, things), "sign-in": "/sign-in"}.items():
        if title == "sign-in":
            context.clear_cookies(name="kicau")
        page.goto(address)
        found += [f"{title}: {violation}" for violation in page.evaluate(RUN)]
        for theme in ("dark", "contrast") if width > 1000 else ():
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            found += [f"{title} ({theme}): {violation}" for violation in page.evaluate(CONTRAST)]
    context.close()
    assert not found, "\n".join(found)
