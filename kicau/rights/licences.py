"""Licences that people name: how they are spelled, what an expression of them says of our uses, and which are the same.

SPDX expressions (https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/, looked up 2026-11-26). What a licence
says here is a reading of it and no legal advice: of training it says yes only where all rights are given up, no where
derivatives are not allowed, else "under conditions". A licence that is not known leaves every use open.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from kicau.rights.uses import USES

MAX_LENGTH = 400  # characters of an expression
MAX_DEPTH = 20
CUSTOM_PREFIX = "LicenseRef-"
ALL_RIGHTS_RESERVED = f"{CUSTOM_PREFIX}all-rights-reserved"
PROGRAM_USES = ("train_gen", "train_other", "ground", "embed", "synthesise")  # what programs make of a work
_FREE_VALUES = dict.fromkeys((*PROGRAM_USES, "search", "redistribute", "archive"), "allow")
_CONDITIONAL_VALUES = {
    **dict.fromkeys(PROGRAM_USES, "conditional"),
    "search": "allow",
    "redistribute": "conditional",
    "archive": "allow",
}
_NO_DERIVATIVES_VALUES = _CONDITIONAL_VALUES | dict.fromkeys(PROGRAM_USES, "deny")
_CLOSED_VALUES = dict.fromkeys((*PROGRAM_USES, "redistribute"), "deny")
_ATTRIBUTION_CONDITIONS = {"attribution": ""}
_SHARE_ALIKE_CONDITIONS = {"attribution": "", "share-alike": ""}
KNOWN_LICENCES: dict[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    **dict.fromkeys(
        ("CC0-1.0", "CC-PDM-1.0", "CC-PDDC", "PDDL-1.0", "Unlicense", "0BSD", "MIT-0", "WTFPL"), (_FREE_VALUES, {})
    ),
    **dict.fromkeys(
        (
            "MIT",
            "Apache-2.0",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "ISC",
            "Zlib",
            "BSL-1.0",
            "ODC-By-1.0",
            "CDLA-Permissive-2.0",
        ),
        (_CONDITIONAL_VALUES, _ATTRIBUTION_CONDITIONS),
    ),
    **dict.fromkeys(
        (
            *(
                f"{name}-{more}"
                for name in ("GPL-2.0", "GPL-3.0", "LGPL-2.1", "LGPL-3.0", "AGPL-3.0", "GFDL-1.3")
                for more in ("only", "or-later")
            ),
            *("GPL-2.0", "GPL-3.0", "LGPL-2.1", "LGPL-3.0", "AGPL-3.0", "GFDL-1.3", "MPL-2.0", "ODbL-1.0", "EUPL-1.2"),
        ),
        (_CONDITIONAL_VALUES, _SHARE_ALIKE_CONDITIONS),
    ),
}
_CC_VARIANTS = {
    "": (_CONDITIONAL_VALUES, _ATTRIBUTION_CONDITIONS),
    "-SA": (_CONDITIONAL_VALUES, _SHARE_ALIKE_CONDITIONS),
    "-NC": (_CONDITIONAL_VALUES, _ATTRIBUTION_CONDITIONS | {"non-commercial": ""}),
    "-NC-SA": (_CONDITIONAL_VALUES, _SHARE_ALIKE_CONDITIONS | {"non-commercial": ""}),
    "-ND": (_NO_DERIVATIVES_VALUES, _ATTRIBUTION_CONDITIONS),
    "-NC-ND": (_NO_DERIVATIVES_VALUES, _ATTRIBUTION_CONDITIONS | {"non-commercial": ""}),
}
CC_VERSIONS = ("1.0", "2.0", "2.5", "3.0", "4.0")
KNOWN_LICENCES |= {
    f"CC-BY{kind}-{version}": meaning for version in CC_VERSIONS for kind, meaning in _CC_VARIANTS.items()
}
_CC_COUNTRY = "(?:IGO|SCO|ENG|(?!BY|NC|ND|SA)[A-Z]{2})"  # or a kind that stands behind the version
# The same in every version, in those for one country, and where no version is named.
_CC_PATTERN = re.compile(rf"(?:{CUSTOM_PREFIX})?CC-BY(-NC)?(-ND|-SA)?(?:-\d\.\d(?:-{_CC_COUNTRY})?)?\+?", re.IGNORECASE)
#: Exceptions that grant more than their licence does. With any other the licence is not known.
LICENCE_EXCEPTIONS = (
    "LLVM-exception",
    "Classpath-exception-2.0",
    "GCC-exception-3.1",
    "Font-exception-2.0",
    "OpenSSL-exception",
)
_NAMES_BY_LOWERCASE = {name.lower(): name for name in (*KNOWN_LICENCES, *LICENCE_EXCEPTIONS, ALL_RIGHTS_RESERVED)}
_TOKEN_PATTERN = re.compile(r"\(|\)|\s+(?:and|or|with)(?=[\s(])|[^\s()]+|\s+", re.IGNORECASE)
_ID_PATTERN = re.compile(r"(?:DocumentRef-[A-Za-z0-9.\-]+:)?[A-Za-z0-9][A-Za-z0-9.\-]*\+?")
_OPERATORS = ("AND", "OR", "WITH")
_RESERVED_PATTERN = re.compile(
    r"all rights (?:are )?reserved|proprietary|semua hak (?:cipta )?(?:dilindungi|terpelihara)|hak cipta (?:ini )?dilindungi",
    re.IGNORECASE,
)
#: Licences within a sentence: the address of a text, or a name of Creative Commons.
_NAMED_PATTERN = re.compile(
    r"(?:https?://)?(?:www\.)?(?:creativecommons\.org|opensource\.org|spdx\.org)/[^\s<>\"'()]+"
    r"|\bCC[ -]?(?:0|zero|BY(?:[ -](?:NC|ND|SA))*)\b(?:[ -]\d(?:\.\d)?)?"
    r"|\bcreative commons (?:zero|attribution(?:[ -]+(?:non[ -]?commercial|no[ -]?deriv\w*|share[ -]?alike))*)(?:[ -]v?\d\.\d)?",
    re.IGNORECASE,
)
_EMPTY_VALUES = ("", "noassertion", "n/a", "na", "null", "-", "none")


class InvalidExpression(ValueError):
    """It is no licence expression. The message says where it breaks."""


@dataclass(frozen=True, slots=True)
class LicenceNode:
    """A licence (`exception` where one is named WITH it), or AND / OR of two."""

    word: str
    left: LicenceNode | None = None
    right: LicenceNode | None = None
    exception: str = ""

    @property
    def licences(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(leaf.word for leaf in self.leaves()))

    def leaves(self) -> Iterator[LicenceNode]:
        if self.left is None or self.right is None:
            yield self
        else:
            yield from self.left.leaves()
            yield from self.right.leaves()

    def sides(self, operator: str) -> Iterator[LicenceNode]:
        """What AND or OR joins, however it is nested; the node itself where it is something else."""
        if self.word == operator and self.left is not None and self.right is not None:
            yield from self.left.sides(operator)
            yield from self.right.sides(operator)
        else:
            yield self

    def key(self) -> object:
        """Equal for expressions that differ in order, repetition and case alone."""
        if self.left is None or self.right is None:
            return self.word.casefold(), self.exception.casefold()
        joined = frozenset(side.key() for side in self.sides(self.word))
        return (self.word, joined) if len(joined) > 1 else next(iter(joined))

    def __str__(self) -> str:
        if self.left is None or self.right is None:
            return self.word + (f" WITH {self.exception}" if self.exception else "")
        sides = [
            f"({side})" if self.word == "AND" and side.word == "OR" else str(side) for side in (self.left, self.right)
        ]
        return f" {self.word} ".join(sides)


@dataclass(frozen=True, slots=True)
class LicenceMeaning:
    """Of one use, for one purpose. `value`: allow, deny, conditional or unknown."""

    value: str
    conditions: Mapping[str, str]
    licences: tuple[str, ...]  # on which it rests

    def rank(self, meets: frozenset[str]) -> int:
        """The higher, the freer for a purpose that keeps the conditions `meets`."""
        if self.value == "conditional":
            return 3 if set(self.conditions) <= meets else 2
        return {"deny": 0, "unknown": 1, "allow": 4}[self.value]


@lru_cache(maxsize=4096)
def parse_expression(expression: str) -> LicenceNode:
    """AND binds closer than OR, WITH closer than both. Names are read as people spell them. Raises InvalidExpression."""
    if len(expression) > MAX_LENGTH:
        raise InvalidExpression(f"it is longer than {MAX_LENGTH} characters")
    words = _tokenize(expression)
    node, rest = _parse_or(words, 0)
    if rest:
        raise InvalidExpression(f"{rest[0]!r} is one too many")
    return node


@lru_cache(maxsize=4096)
def canonical_spdx(text: str) -> str:
    """A licence as SPDX spells it; as it was written where that cannot be read, and "" where none is named."""
    if " ".join(text.split()).casefold() in _EMPTY_VALUES:
        return ""
    try:
        return str(parse_expression(text))
    except InvalidExpression:
        return " ".join(text.split())


def is_known(expression: str) -> bool:
    """Whether anything in it has a meaning here."""
    node = _parse_or_none(expression)
    return node is not None and any(_leaf_values(leaf) is not None for leaf in node.leaves())


def licences_in_notice(text: str) -> list[str]:
    """The licences that a notice names: the whole text, else those within its sentences. A notice of ownership alone,
    such as "© 2025 Sari", is none."""
    canonical = canonical_spdx(text)
    if canonical == ALL_RIGHTS_RESERVED:
        return [canonical] if _RESERVED_PATTERN.search(text) else []
    if is_known(text):
        return [canonical]
    named = [canonical_spdx(found[0].rstrip(".,;")) for found in _NAMED_PATTERN.finditer(text)]
    named += [ALL_RIGHTS_RESERVED] if _RESERVED_PATTERN.search(text) else []
    return [name for name in dict.fromkeys(named) if is_known(name)]


@lru_cache(maxsize=65_536)
def licence_meaning(expression: str, use: str, meets: frozenset[str] = frozenset()) -> LicenceMeaning:
    """What is said of one use. Of licences joined by OR the freest for this purpose counts, of those joined by AND each."""
    node = _parse_or_none(expression)
    return _node_meaning(node, use, meets) if node else LicenceMeaning("unknown", {}, (expression,))


def summarize_licence(node: LicenceNode) -> tuple[dict[str, str], dict[str, str]]:
    """(says, conditions) of an expression for a reader of whom nothing is known; what is open is left out."""
    says: dict[str, str] = {}
    conditions: dict[str, str] = {}
    for use in USES:
        found = _node_meaning(node, use, frozenset())
        if found.value != "unknown":
            says[use] = found.value
            conditions |= found.conditions if found.value == "conditional" else {}
    return says, conditions


@lru_cache(maxsize=65_536)
def is_under(expression: str, key: str) -> bool:
    """Whether a work under `expression` is under the licence `key`: the same, or one that it names."""
    node, wanted = _parse_or_none(expression), _parse_or_none(key)
    if node is None or wanted is None:
        return bool(key) and " ".join(expression.split()).casefold() == " ".join(key.split()).casefold()
    return wanted.key() in {one.key() for one in _and_parts(node)}


@lru_cache(maxsize=65_536)
def is_alternative(expression: str, key: str) -> bool:
    """Whether keeping to the licence `key` alone is enough: it is the same, or one of those that OR offers."""
    node, wanted = _parse_or_none(expression), _parse_or_none(key)
    if node is None or wanted is None:
        return is_under(expression, key)
    return wanted.key() == node.key() or wanted.key() in {one.key() for one in node.sides("OR")}


def _and_parts(node: LicenceNode) -> Iterator[LicenceNode]:
    yield node
    if node.left is not None and node.right is not None:
        yield from _and_parts(node.left)
        yield from _and_parts(node.right)


def _parse_or_none(expression: str) -> LicenceNode | None:
    try:
        return parse_expression(expression)
    except InvalidExpression:
        return None


def _leaf_values(leaf: LicenceNode) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    if leaf.exception and leaf.exception not in LICENCE_EXCEPTIONS:
        return None
    word = leaf.word.removesuffix("+") if leaf.word.removesuffix("+") in KNOWN_LICENCES else leaf.word
    if word in KNOWN_LICENCES:
        return KNOWN_LICENCES[word]
    if word == ALL_RIGHTS_RESERVED:
        return _CLOSED_VALUES, {}
    found = _CC_PATTERN.fullmatch(word)
    return _CC_VARIANTS[f"{(found[1] or '').upper()}{(found[2] or '').upper()}"] if found else None


def _node_meaning(node: LicenceNode, use: str, meets: frozenset[str]) -> LicenceMeaning:
    if node.left is None or node.right is None:
        known = _leaf_values(node)
        value = known[0].get(use, "unknown") if known else "unknown"
        return LicenceMeaning(value, known[1] if known and value == "conditional" else {}, (str(node),))
    left, right = _node_meaning(node.left, use, meets), _node_meaning(node.right, use, meets)
    if node.word == "OR":
        return max(left, right, key=lambda one: (one.rank(meets), -len(one.conditions)))
    order = ("deny", "unknown", "conditional", "allow")
    value = min(left.value, right.value, key=order.index)
    both = {**left.conditions, **right.conditions} if value == "conditional" else {}
    return LicenceMeaning(
        value, both, tuple(one for side in (left, right) if side.value == value for one in side.licences)
    )


def _tokenize(expression: str) -> list[str]:
    """Brackets, operators and licences as SPDX spells them. A name may be several words."""
    text = re.sub(
        r"\bor[ -]any[ -]later(?: version)?\b|\bor later(?: version)?\b", "or-later", expression, flags=re.IGNORECASE
    )
    if spelled := _spdx_of_name(text):
        return [spelled]
    words: list[str] = []
    name = ""
    for found in _TOKEN_PATTERN.finditer(f" {text} "):
        piece = found[0]
        if piece.strip().upper() in _OPERATORS or piece in ("(", ")"):
            if name.strip():
                words.append(_licence_id(name))
            name = ""
            words.append(piece.strip().upper())
        else:
            name += piece
    if name.strip():
        words.append(_licence_id(name))
    return words


def _licence_id(name: str) -> str:
    text = " ".join(name.split())
    if spelled := _spdx_of_name(text):
        return spelled
    if _ID_PATTERN.fullmatch(text):
        return _NAMES_BY_LOWERCASE.get(text.lower(), text)
    raise InvalidExpression(f"{text[:60]!r} is no licence's name")


_PHRASE_PATTERNS = (
    (
        r"(?!.*(\bcc\b|cc0|creative|licen[sc]|public)).*(all rights reserved|hak cipta|©|\(c\)|copyright).*|proprietary",
        ALL_RIGHTS_RESERVED,
    ),
    (r"(the )?mit( expat)?( license| licence)?", "MIT"),
    (r"(the )?isc( license| licence)?", "ISC"),
    (r"(the )?unlicen[sc]e", "Unlicense"),
    (r"apache( software)?( license| licence)?,?( version| v)? ?2(\.0)?", "Apache-2.0"),
    (
        r"(the )?(new |modified |revised )?bsd[ -]?3[ -]?clause( license| licence)?|(new|modified|revised) bsd( license| licence)?",
        "BSD-3-Clause",
    ),
    (
        r"(the )?(simplified )?bsd[ -]?2[ -]?clause( license| licence)?|simplified bsd( license| licence)?",
        "BSD-2-Clause",
    ),
    (r"odbl|(odc )?open database license.*", "ODbL-1.0"),
    (r"odc[ -]by|open data commons attribution.*", "ODC-By-1.0"),
    (r"pddl|(odc )?public domain dedication and license.*", "PDDL-1.0"),
    (r"(gnu )?(?P<gnu>l|a)?gpl ?v?(?P<v>[23](\.[01])?)( |-)?(?P<later>or-later|\+)?", ""),
    (r"public domain( work)?|pd|pdm|cc[ -]?pdm|public domain mark.*|no known copyright.*|domain publik", "CC-PDM-1.0"),
)
_URL_PATTERNS = (
    (
        r"(?:www\.)?creativecommons\.org/licen[sc]es/(by(?:-nc)?(?:-nd|-sa)?)(?:/(\d\.\d))?(?:/([a-z]{2,4}))?(?:/.*)?",
        "cc",
    ),
    (r"(?:www\.)?creativecommons\.org/publicdomain/zero(?:/.*)?", "CC0-1.0"),
    (
        r"(?:www\.)?creativecommons\.org/publicdomain/(?:mark|certification)(?:/.*)?|(?:www\.)?creativecommons\.org/licen[sc]es/publicdomain(?:/.*)?",
        "CC-PDM-1.0",
    ),
    (
        r"(?:www\.)?(?:opensource\.org/licen[sc]es?|spdx\.org/licenses|choosealicense\.com/licenses)/([A-Za-z0-9.\-]+?)(?:\.html|\.json|\.php)?/?",
        "id",
    ),
    (r"(?:www\.)?apache\.org/licenses/license-2\.0.*", "Apache-2.0"),
    (r"(?:www\.)?unlicense\.org.*", "Unlicense"),
)
_CC_WORDS = {
    "creative": "",
    "commons": "",
    "attribution": "by",
    "attrib": "by",
    "noncommercial": "nc",
    "noncom": "nc",
    "noderivatives": "nd",
    "noderivs": "nd",
    "noderivative": "nd",
    "sharealike": "sa",
}
_CC_FILLERS = frozenset(
    [
        "license",
        "licence",
        "licensed",
        "international",
        "intl",
        "unported",
        "generic",
        "deed",
        "legalcode",
        "legal",
        "code",
        "under",
        "a",
        "an",
        "the",
        "version",
        "v",
        "public",
        "only",
        "reuse",
        "allowed",
        "universal",
        "work",
        "is",
        "this",
    ]
)
_ZERO_WORDS = {"cc0", "zero"}


@lru_cache(maxsize=4096)
def _spdx_of_name(text: str) -> str:
    """The SPDX id of a name as people write it, or of the address of its text; "" where it is none of these."""
    bare = " ".join(text.strip(" \t\r\n\"'“”‘’.,;").split())
    if not bare or re.search(r"[()]", re.sub(r"\([^()]*\)", "", bare)):
        return ""  # no name has a bracket without its other half, or one within another
    if "/" in bare and (found := _spdx_of_url(bare)):
        return found
    if bare.lower() in _NAMES_BY_LOWERCASE:
        return _NAMES_BY_LOWERCASE[bare.lower()]
    if (twice := re.fullmatch(r"([^()]+)\(([^()]+)\)", bare)) and (short := _spdx_of_name(twice[2])):
        return short if _spdx_of_name(twice[1]) == short else ""
    lower = bare.casefold()
    for pattern, name in _PHRASE_PATTERNS:
        if match := re.fullmatch(pattern, lower):
            if name:
                return name
            version = match["v"] if "." in match["v"] else f"{match['v']}.0"
            return f"{(match['gnu'] or '').upper()}GPL-{version}-{'or-later' if match['later'] else 'only'}"
    return _creative_commons(lower)


def _spdx_of_url(text: str) -> str:
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        place = f"{parts.hostname or ''}{parts.path}"
    except ValueError:
        return ""
    for pattern, name in _URL_PATTERNS:
        if match := re.fullmatch(pattern, place, re.IGNORECASE):
            if name == "cc":
                return _cc_id(match[1].lower().split("-"), match[2] or "", match[3] or "")
            return _spdx_of_name(match[1]) or match[1] if name == "id" else name
    return ""


def _creative_commons(lower: str) -> str:
    """ "CC BY-ND 4.0", "Creative Commons Attribution-NoDerivatives 4.0 International", "ccby", "cc_by_sa" and the like."""
    text = re.sub(r"non[ -]commercial", "noncommercial", lower)
    text = re.sub(r"no[ -]deriv", "noderiv", text)
    text = re.sub(r"share[ -]alike", "sharealike", text)
    text = re.sub(r"^cc[ _-]?(?=by\b|by[ _-]|by(?:nc|nd|sa)|by\d|0\b|zero\b|0[ _-])", "cc ", text)
    text = re.sub(r"\bby(?=(nc|nd|sa))", "by ", text)
    text = re.sub(r"\bnc(?=(nd|sa))", "nc ", text)
    text = re.sub(r"(?<=[a-z])(?=\d\.\d)", " ", text)
    words = [word for word in re.split(r"[^a-z0-9.+]+", text) if word]
    if _ZERO_WORDS & set(words) or words[:2] == ["cc", "0"]:
        rest = [word for word in words if word not in _ZERO_WORDS and word not in _CC_FILLERS]
        plain = ("cc", "0", "1.0", "creative", "commons", "dedication", "domain")
        return "CC0-1.0" if all(word in plain for word in rest) and {"cc", "cc0", "creative"} & set(words) else ""
    is_cc = "cc" in words or words[:2] == ["creative", "commons"] or "attribution" in words
    kinds: list[str] = []
    version = country = ""
    for word in words:
        word = _CC_WORDS.get(word, word)
        if word in ("", "cc") or word in _CC_FILLERS:
            continue
        if word in ("by", "nc", "nd", "sa") and word not in kinds and not country:
            kinds.append(word)
        elif re.fullmatch(r"v?[1-4](\.[05])?", word) and not version:
            version = word.removeprefix("v")
        elif version and not country and re.fullmatch(_CC_COUNTRY, word.upper()) and word.upper() not in _OPERATORS:
            country = word
        else:
            return ""
    if "by" not in kinds or (len(kinds) == 1 and not is_cc):
        return ""
    return _cc_id(kinds, version, country)


def _cc_id(kinds: Collection[str], version: str, country: str) -> str:
    if version and "." not in version:
        version += ".0"
    name = "-".join(
        [
            "CC",
            *(kind.upper() for kind in ("by", "nc", "nd", "sa") if kind in kinds),
            *filter(None, [version, country.upper()]),
        ]
    )
    if "nd" in kinds and "sa" in kinds:
        return ""
    return name if version else CUSTOM_PREFIX + name


def _parse_or(words: list[str], depth: int) -> tuple[LicenceNode, list[str]]:
    node, rest = _parse_and(words, depth)
    while rest and rest[0] == "OR":
        right, rest = _parse_and(rest[1:], depth)
        node = LicenceNode("OR", node, right)
    return node, rest


def _parse_and(words: list[str], depth: int) -> tuple[LicenceNode, list[str]]:
    node, rest = _parse_term(words, depth)
    while rest and rest[0] == "AND":
        right, rest = _parse_term(rest[1:], depth)
        node = LicenceNode("AND", node, right)
    return node, rest


def _parse_term(words: list[str], depth: int) -> tuple[LicenceNode, list[str]]:
    if not words:
        raise InvalidExpression("it ends where a licence should stand")
    word, rest = words[0], words[1:]
    if word == "(":
        if depth >= MAX_DEPTH:
            raise InvalidExpression("its brackets are nested too deeply")
        node, rest = _parse_or(rest, depth + 1)
        if not rest or rest[0] != ")":
            raise InvalidExpression("a bracket is not closed")
        return node, rest[1:]
    if word == ")" or word in _OPERATORS:
        raise InvalidExpression(f"{word!r} stands where a licence should")
    if rest and rest[0] == "WITH":
        if len(rest) < 2 or rest[1] in ("(", ")", *_OPERATORS):
            raise InvalidExpression("WITH names no exception")
        return LicenceNode(word, exception=rest[1]), rest[2:]
    return LicenceNode(word), rest
