"""No page breaks a rule of accessibility, in any theme, wide or narrow; every target is large enough and has its ring."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.screenshots import addresses, open_as
from tests.journeys.stock.posts import stock

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
RUN = "() => axe.run(document, {rules: {'target-size': {enabled: true}}, resultTypes: ['violations']}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.any.concat(n.all, n.none).map(c => c.message).join(' ')).join(' | ')))"


CONTRAST = RUN.replace("{rules: {'target-size': {enabled: true}}, ", "{runOnly: ['color-contrast'], ")
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


def test_axe_finds_nothing(browser, site, transactional_db, owner, workspace, actor):
    """Every rule in the light, wide and narrow; in the dark and in high contrast, what colours can break."""
    things = stock(actor, workspace)
    context = open_as(browser, site, owner, "light", WIDE, 900)
    context.add_init_script(AXE)
    page = context.new_page()
    found = []
    for title, address in {**addresses(actor, things), "sign-in": "/sign-in"}.items():
        if title == "sign-in":
            context.clear_cookies(name="kicau")
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.goto(address)
        found += [f"{title}: {violation}" for violation in page.evaluate(RUN)]
        found += [f"{title}: {violation}" for violation in page.evaluate(KEYS)]
        for theme in ("dark", "contrast", "light"):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            if theme != "light":
                found += [f"{title} ({theme}): {violation}" for violation in page.evaluate(CONTRAST)]
        page.set_viewport_size({"width": NARROW, "height": 740})  # as it is held: nothing lies under the bar
        found += [f"{title} (narrow): {violation}" for violation in page.evaluate(RUN)]
    context.close()
    assert not found, "\n".join(found)
