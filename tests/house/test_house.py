"""The house's own rules: no core file names a network, and everything that a person meets is documented."""

from __future__ import annotations

import ast
import io
import itertools
import re
import tokenize
import tomllib
from pathlib import Path

import click
import pytest

from kicau.base import errors as refusals
from kicau.base.setting_definitions import SETTING_DEFINITIONS
from kicau.cli import main as cli
from kicau.connector import errors, registry
from kicau.events.catalogue import EVENT_GROUPS, PUBLIC_EVENTS
from kicau.workspaces import actors

ROOT = Path(__file__).resolve().parents[2]
DOCS = {path: path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md")}
ALL_DOCS = "\n".join(DOCS.values())
# What only a network's own folder, the demo's content and tests may say.
CORE = [
    p
    for p in (ROOT / "kicau").rglob("*")
    if p.suffix in (".py", ".html", ".js", ".css")
    and not {"networks", "demo", "tests", "vendor"} & set(p.relative_to(ROOT / "kicau").parts)
]
# One letter is no name to search for; its product names are.
NAMES = [
    *(slug for slug in registry.installed_slugs() if len(slug) > 2),
    "twitter",
    "tweet",
    "mastodon",
    "bluesky",
    "threads.net",
    "graph.facebook",
    "api.x.com",
]


# A slug that is an English word too is a name only where it stands alone in quotes.
WORDS = frozenset({"threads"})
NO_NETWORK = {("kicau/media/probe.py", "threads")}  # FFmpeg's option


def words_of_code(path: Path) -> str:
    """Python without comments; other files whole. A comment may give a network as its example, code may not."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        return text
    kept = [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type != tokenize.COMMENT]
    return " ".join(kept)


def named(name: str, code: str) -> bool:
    mark = r"[\"'`]" if name in WORDS else ""
    return bool(re.search(rf"{mark}(?<![a-z]){re.escape(name)}(?![a-z]){mark}", code))


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_core_file_names_a_network(path):
    here = str(path.relative_to(ROOT))
    code = words_of_code(path).lower()
    found = [name for name in NAMES if named(name, code) and (here, name) not in NO_NETWORK]
    assert not found, f"{path.relative_to(ROOT)} names {found}; what only one network has belongs in its folder"


def test_the_rule_above_can_fail(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(f"if channel.network == {registry.installed_slugs()[0]!r}:\n    pass  # a comment\n", "utf-8")
    assert registry.installed_slugs()[0] in words_of_code(bad)
    assert "comment" not in words_of_code(bad)
    assert named("threads", "if slug == 'threads':")
    assert not named("threads", "two threads, no network")
    assert named("bluesky", "a bluesky handle")


@pytest.mark.parametrize(
    "package",
    [p for p in (ROOT / "kicau").rglob("__init__.py") if "tests" not in p.parts and "migrations" not in p.parts],
    ids=lambda p: str(p.parent.relative_to(ROOT)),
)
def test_each_room_says_what_it_is_for(package):
    said = ast.get_docstring(ast.parse(package.read_text("utf-8")))
    assert said, f"{package.relative_to(ROOT)} has no docstring"


@pytest.mark.parametrize("option", SETTING_DEFINITIONS, ids=lambda o: o.name)
def test_every_setting_is_documented(option):
    assert option.name in (ROOT / "docs/reference/settings.md").read_text("utf-8")
    assert option.help


@pytest.mark.parametrize("slug", registry.installed_slugs())
def test_every_network_has_its_page_logo_and_sandbox(slug):
    folder = ROOT / Path(*registry.network_package(slug).split("."))
    page = (folder / "README.md").read_text("utf-8")
    assert len(page) > 800
    assert (folder / "logo.svg").read_text("utf-8").lstrip().startswith("<svg")
    assert (folder / "sandbox.py").exists() or (folder / "sandbox" / "__init__.py").exists()
    assert (folder / "tests" / "test_contract.py").exists()
    assert f"networks/{slug}/README.md" in ALL_DOCS


ERRORS = [
    e
    for module in (errors, refusals)
    for e in vars(module).values()
    if isinstance(e, type) and issubclass(e, Exception) and e.__module__ == module.__name__
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: e.__name__)
def test_every_error_is_documented(error):
    assert error.__doc__
    assert error.__name__ in (ROOT / "docs/reference/errors.md").read_text("utf-8")


def commands(group: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(group, click.Group):
        return [path]
    context = click.Context(group)
    return [
        c for name in group.list_commands(context) for c in commands(group.get_command(context, name), (*path, name))
    ]


@pytest.mark.parametrize("command", commands(cli), ids=" ".join)
def test_every_command_is_documented(command):
    assert f"kicau {' '.join(command)}" in (ROOT / "docs/reference/cli.md").read_text("utf-8")


def test_nothing_names_a_path_of_a_machine():
    bad = re.compile(r"/(home/\w+|root)/")
    kept = []
    for folder, folders, files in ROOT.walk():
        folders[:] = set(folders) - {".venv", ".git", "build", "dist", ".mypy_cache", "vendor"}
        kept += [
            folder / name for name in files if name.endswith((".py", ".md", ".toml", ".html", ".yml", ".sh", ".csv"))
        ]
    found = [
        str(p.relative_to(ROOT)) for p in kept if p != Path(__file__) and bad.search(p.read_text("utf-8", "replace"))
    ]
    assert not found


def test_the_locks_have_hashes_and_name_no_host():
    for name in ("requirements.lock", "requirements-dev.lock"):
        lock = (ROOT / name).read_text("utf-8")
        assert "://" not in lock
        pins = re.findall(r"^[a-z0-9][\w.\-\[\],]*==", lock, re.M | re.I)
        assert len(pins) > 20
        assert lock.count("--hash=sha256:") >= len(pins)


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table with this heading, without the line below the heading."""
    lines = (ROOT / page).read_text("utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(heading))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_event_is_documented_and_no_other():
    told = [tuple(row[:2]) for row in table("docs/reference/events.md", "| Event | When |")]
    assert told == [(f"`{name}`", kind.description) for name, kind in PUBLIC_EVENTS.items()]
    beside = {row[0]: row[1] for row in table("docs/reference/events.md", "| Event | Fields")}
    details = {f"`{n}`": ", ".join(f"`{f.name}`" for f in kind.detail_fields()) for n, kind in PUBLIC_EVENTS.items()}
    assert beside == {name: names for name, names in details.items() if names}
    assert all(f"| `{group}` |" in (ROOT / "docs/reference/events.md").read_text() for group in EVENT_GROUPS)


VALUE_HOOKS = {"kicau/cost_reports/forecast.py", "kicau/archive/policy_preview.py"}  # they ask for a value


def test_rooms_hear_of_each_other_by_events_alone():
    product = [path for path in (ROOT / "kicau").rglob("*.py") if "tests" not in path.parts]
    lists = {
        str(path.relative_to(ROOT))
        for path in product
        if re.search(r"^[A-Z_]+: list\[Callable", path.read_text(), re.M)
    }
    assert lists == VALUE_HOOKS, "emit an event (kicau/events) instead of keeping a list of callbacks"


def test_the_table_of_roles_is_what_the_code_allows():
    wanted = [
        [role, *("yes" if permission in actors.ROLE_PERMISSIONS[role] else "no" for permission in actors.Permission)]
        for role in reversed(actors.ROLES_BY_RANK)
    ]
    assert table("docs/reference/permissions.md", "| Role |") == wanted
    documented = [row[0] for row in table("docs/reference/permissions.md", "| Permission |")]
    assert documented == [f"`{permission}`" for permission in actors.Permission]


def test_the_glossaries_have_the_same_terms():
    english, indonesian = (
        [line for line in (ROOT / f"docs/reference/{name}").read_text("utf-8").splitlines() if line.startswith("| ")]
        for name in ("glossary.md", "glossary.id.md")
    )
    pairs = [[row.split(" | ") for row in rows if not row.startswith("| ---")] for rows in (english, indonesian)]
    terms = [(row[0].strip("| "), row[2].strip("| ")) for row in pairs[0] if "Meaning" not in row]
    assert terms == [(row[2].strip("| "), row[0].strip("| ")) for row in pairs[1] if "Arti" not in row]
    assert len({term for term, _ in terms}) == len(terms) > 60


def test_the_architecture_lists_the_layers():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(c for c in contracts if c.get("exhaustive"))["layers"]
    folders = [re.findall(r"\w+", layer) for layer in layers]
    there = [[f for f in row if (ROOT / "kicau" / f / "__init__.py").exists()] for row in folders]
    drawn = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("```")[1].strip().splitlines()
    assert [re.findall(r"\w+", line.split("  ")[0]) for line in drawn] == [row for row in there if row]
