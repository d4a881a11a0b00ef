"""No page breaks a rule of accessibility, in any theme, wide or narrow; every target is large enough and has its ring.

Each page is looked at by every rule, wide and narrow, and its colours in one of the dark themes, in turn: the pages have
their colours from the same few variables. With THOROUGH=1 in the environment, everything in every theme and width.
"""

from __future__ import annotations

import os
from itertools import cycle
from pathlib import Path

from tests.journeys.screenshots import addresses, open_as, stock

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
RUN = "() => axe.run(document, {rules: {'target-size': {enabled: true}}, resultTypes: ['violations']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.any.concat(n.all, n.none).map(c => c.message).join(' ')).join(' | ')))"


RULES = "{rules: {'target-size': {enabled: true}}, "
CONTRAST = RUN.replace(RULES, "{runOnly: ['color-contrast'], ")
ALL_BUT_CONTRAST = RUN.replace(RULES, "{rules: {'target-size': {enabled: true}, 'color-contrast': {enabled: false}}, ")
THEMES = ("dark", "contrast")
THOROUGH = bool(os.environ.get("THOROUGH"))
# What can be pressed or filled in: whether the Tab key comes to it, and whether a ring of at least 2 px then shows where.
KEYS = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [onclick], [role=button]")]
    .filter((one) => !one.disabled && one.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true}) && !one.closest("[inert]"))
    .flatMap((one) => {
        if (one.tabIndex < 0) return ["not reached by Tab: " + one.outerHTML.slice(0, 120)];
        one.focus({focusVisible: true, preventScroll: true});
        if (document.activeElement !== one) return ["takes no focus: " + one.outerHTML.slice(0, 120)];
        const rings = [one, one.closest("label"), one.nextElementSibling].filter(Boolean).map((seen) => getComputedStyle(seen));
        return rings.some((look) => look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2) ? [] : ["no ring around: " + one.outerHTML.slice(0, 120)];
    })"""


WIDE, NARROW = 1360, 360
DRESS = "theme => { document.documentElement.dataset.theme = theme }"


def test_axe_finds_nothing(browser, site, transactional_db, owner, workspace, actor):
    """Every rule in the light, wide and narrow; in the dark or in high contrast, what colours can break."""
    things = stock(actor, workspace)
    context = open_as(browser, site, owner, "light", WIDE, 900)
    context.add_init_script(AXE)
    page = context.new_page()
    found, turns = [], cycle([THEMES] if THOROUGH else [(theme,) for theme in THEMES])
    for title, address in {**addresses(actor, things), "sign-in": "/sign-in"}.items():
        if title == "sign-in":
            context.clear_cookies(name="kicau")
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.goto(address)
        found += [f"{title}: {violation}" for violation in page.evaluate(RUN)]
        found += [f"{title}: {violation}" for violation in page.evaluate(KEYS)]
        for theme in next(turns):
            page.evaluate(DRESS, theme)
            found += [f"{title} ({theme}): {violation}" for violation in page.evaluate(CONTRAST)]
        page.evaluate(DRESS, "light")
        page.set_viewport_size({"width": NARROW, "height": 740})  # as it is held: nothing lies under the bar
        found += [
            f"{title} (narrow): {violation}" for violation in page.evaluate(RUN if THOROUGH else ALL_BUT_CONTRAST)
        ]
    context.close()
    assert not found, "\n".join(found)
