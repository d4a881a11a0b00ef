"""Pictures of every page, wide and narrow, light and dark, in both languages, into .screenshots/:

python -m tests.journeys.screenshots [page …]
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.journeys.stock.posts import opened_networks, stock, tell

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / ".screenshots"
LOOKS = {  # name: (width, height, theme, language)
    "wide": (1360, 900, "light", "en"),
    "dark": (1360, 900, "dark", "en"),
    "id": (1360, 900, "light", "id"),
    "contrast": (1360, 900, "contrast", "en"),
    "360": (360, 740, "light", "id"),
    "360-dark": (360, 740, "dark", "en"),
}
HIGH = "document.body.scrollHeight + innerHeight - document.body.clientHeight"


def drafts_of_all_kinds(actor, things):
    """A long draft that waits for approval, one with all that a post may have, one for open networks, and a link."""
    from kicau.publishing.approval import review_links, reviews
    from kicau.publishing.content import compositions

    long = (
        "Kopi Senja opens a second roastery in Lembang on Saturday, and everybody who brings a cup of their own drinks for free. "
        * 3
    )
    picture = compositions.MediumAttachment(medium=things["medium"])
    draft = compositions.create_draft(
        actor,
        compositions.Composition(
            parts=(compositions.PartContent(text=long + "https://kopisenja.example/lembang #kopi", media=(picture,)),)
        ),
    )
    poll = compositions.content.Poll(options=("Gayo", "Toraja", "Kintamani"), minutes=1440)
    whole = compositions.create_draft(
        actor,
        compositions.Composition(
            parts=(compositions.PartContent(text="One"), compositions.PartContent(text="Two")),
            poll=poll,
            link=compositions.LinkContent(url="https://kopisenja.example/", title="Kopi Senja"),
            first_comment="More in the link.",
            campaign="Lembang",
        ),
    )
    opened = opened_networks(actor, picture)
    reviews.submit(actor, draft.id)
    reviews.comment(actor, draft.id, "Which Saturday?", quote="on Saturday")
    link = review_links.create_link(actor, draft.id, "Ibu Ratna").link
    return draft, whole, opened, link


def addresses(actor, things) -> dict[str, str]:
    """Every page that is worth a picture."""
    tell(actor, things)
    draft, whole, opened, link = drafts_of_all_kinds(actor, things)
    return {
        "calendar": "/calendar",
        "day": "/calendar?view=day",
        "import": "/import",
        "week": "/calendar?view=week",
        "month": "/calendar?view=month",
        "past": "/calendar?view=past",
        "attention": "/calendar?view=attention",
        "compose": f"/compose/{draft.id}",
        "compose-whole": f"/compose/{whole.id}",
        "compose-new": "/compose",
        "compose-open": f"/compose/{opened.id}",
        "post": f"/posts/{things['carousel']}",
        "post-answered": f"/posts/{things['answered']}",
        "failed": f"/posts/{things['failed']}",
        "drafts": "/drafts",
        "channels": "/channels",
        "channel": "/channels/x-kopi",
        "connect": "/channels/connect/x",
        "app-keys": "/channels/app-keys",
        "app-keys-guide": "/channels/app-keys/linkedin",
        "library": "/library",
        "medium": f"/library/{things['medium']}",
        "offboarding-list": "/offboarding",
        "offboarding-new": "/offboarding/new?network=linkedin",
        "offboarding-announced": f"/offboarding/{things['announced']}",
        "offboarding-left": f"/offboarding/{things['left']}",
        "offboarding-new-targets": f"/offboarding/{things['left']}/new-targets?channel=li-sari&channel=x-kabar",
        "offboarding-return": f"/offboarding/{things['left']}/return",
        "offboarding-instance-wide": "/offboarding/instance-wide",
        "archive": "/archive",
        "archive-found": "/archive?words=kopi&use=train_gen&answer=unknown",
        "archive-item": f"/archive/{things['item']}",
        "archive-imports": "/archive/imports",
        "rights": "/rights",
        "training-sets": "/training-sets",
        "training-set-new": "/training-sets/new",
        "training-set": f"/training-sets/{things['set']}",
        "training-set-version": f"/training-sets/{things['set']}/versions/2",
        "training-set-personal-data": f"/training-sets/{things['set']}/personal-data",
        "retractions": things["asked"],
        "dataset-audits": "/dataset-audits",
        "dataset-audit-new": "/dataset-audits/new",
        "dataset-audit": f"/dataset-audits/{things['audit']}",
        "dataset-audit-waiting": f"/dataset-audits/{things['audit-waiting']}",
        "dataset-audit-check": "/dataset-audits/check",
        "canaries": "/dataset-audits/canaries",
        "canary": f"/dataset-audits/canaries/{things['canary']}",
        "inbox": "/inbox",
        "team": "/team",
        "workspace-settings": "/settings",
        "activity": "/activity",
        "notifications": "/notifications",
        "notification-settings": "/settings/notifications",
        "costs": "/costs?plain=1",
        "budgets": "/costs/budgets",
        "prices": "/costs/prices",
        "statement": "/costs/statement",
        "clients": "/costs/clients",
        "personal-settings": "/settings/personal",
        "sign-in-settings": "/settings/sign-in",
        "set-up-authenticator": "/settings/sign-in/authenticator",
        "submitted": f"/posts/{draft.id}",
        "client-review": urlsplit(link).path,
        "missing": "/posts/018f0000-0000-7000-8000-000000000000",
    }


def open_as(browser, site, person, theme: str, width: int, height: int):
    """A browser's context in which `person` is signed in."""
    from tests.journeys.conftest import come_in

    scheme = "dark" if theme == "dark" else "light"
    context = browser.new_context(
        base_url=site,
        viewport={"width": width, "height": height},
        locale="en-GB",
        timezone_id="Asia/Jakarta",
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    come_in(context, site, person)
    context.add_cookies([{"name": "kicau_theme", "value": theme, "url": site}])
    return context


def test_pictures(browser, site, transactional_db, owner, workspace, actor):
    from kicau.workspaces.actions import update_person
    from tests.journeys.conftest import fits

    pages = addresses(actor, stock(actor, workspace))
    wanted, looks = os.environ.get("SHOTS_PAGES", "").split(), os.environ.get("SHOTS_LOOKS", "").split()
    TARGET.mkdir(exist_ok=True)
    for name, (width, height, theme, language) in LOOKS.items():
        if looks and name not in looks:
            continue
        update_person(owner, language=language)
        context = open_as(browser, site, owner, theme, width, height)
        page = context.new_page()
        for title, address in pages.items():
            if wanted and title not in wanted:
                continue
            page.set_viewport_size({"width": width, "height": height})
            page.goto(address)
            page.wait_for_load_state("networkidle")
            assert fits(page), f"{title} is wider than the window in {name}"
            if width < 500:  # the body scrolls there: a window as high as what is in it, and the bar below
                page.set_viewport_size({"width": width, "height": max(height, page.evaluate(HIGH))})
            page.screenshot(
                path=TARGET / f"{title}-{name}.png",
                full_page=width < 500 or title.startswith(("compose", "post", "channel", "rights")),
            )
        if not wanted or "sign-in" in wanted:
            context.clear_cookies(name="kicau")
            context.add_cookies([{"name": "django_language", "value": language, "url": site}])
            page.goto("/sign-in")
            page.screenshot(path=TARGET / f"sign-in-{name}.png")
        context.close()


def main(arguments: list[str]) -> int:
    """The pages that are named, or all of them."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", str(Path(__file__)), "-q"],
        check=False,
        cwd=ROOT,
        env={**os.environ, "SHOTS_PAGES": " ".join(arguments)},
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
