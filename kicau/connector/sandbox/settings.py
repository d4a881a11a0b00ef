"""Settings of a running sandbox, read and changed at `/_sandbox/settings`.

A setting is an attribute of the sandbox or, with a dot, of one of its parts ("billing.credits"). What it takes follows
from what it holds: a flag, a number, a text, a day, a list of names, a pair of numbers, or an object of numbers by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import reduce
from typing import Any


class InvalidSetting(ValueError):
    """A setting that the sandbox does not have, or a value that it does not take."""


def read_settings(sandbox: object, names: Iterable[str]) -> dict[str, Any]:
    """All settings by name, as JSON shows them."""
    return {name: _as_json(_get_setting(sandbox, name)) for name in names}


def change_settings(sandbox: object, names: Iterable[str], wanted: object, *, nullable: frozenset[str]) -> None:
    """Sets every setting of `wanted`, or none of them. Raises InvalidSetting."""
    known = sorted(names)
    if not isinstance(wanted, Mapping):
        raise InvalidSetting("settings are a JSON object of names and values")
    unknown = sorted(set(map(str, wanted)) - set(known))
    if unknown:
        raise InvalidSetting(f"there is no setting {', '.join(unknown)}; there are: {', '.join(known)}")
    values = {
        name: _checked_value(name, _get_setting(sandbox, name), value, name in nullable)
        for name, value in wanted.items()
    }
    for name, value in values.items():
        owner, _, last = name.rpartition(".")
        setattr(_get_setting(sandbox, owner) if owner else sandbox, last, value)


def _get_setting(sandbox: object, name: str) -> Any:
    return reduce(getattr, name.split("."), sandbox)


def _as_json(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _checked_value(name: str, now: Any, wanted: Any, nullable: bool) -> Any:
    if nullable and wanted is None:
        return None
    match now:
        case bool():
            if isinstance(wanted, bool):
                return wanted
            raise InvalidSetting(f"{name} is true or false")
        case int() | None:
            if isinstance(wanted, int) and not isinstance(wanted, bool):
                return wanted
            raise InvalidSetting(f"{name} is a whole number{' or null' if nullable else ''}")
        case float():
            if isinstance(wanted, int | float) and not isinstance(wanted, bool):
                return float(wanted)
            raise InvalidSetting(f"{name} is a number")
        case str():
            if isinstance(wanted, str):
                return wanted
            raise InvalidSetting(f"{name} is a text")
        case date():
            try:
                return date.fromisoformat(wanted)
            except (TypeError, ValueError):
                raise InvalidSetting(f"{name} is a day, as 2026-11-24") from None
        case Mapping():
            return _merged_object(name, now, wanted)
    return _checked_list(name, now, wanted)


def _merged_object(name: str, now: Mapping[str, Any], wanted: Any) -> dict[str, Any]:
    """What is given is changed, the rest stays."""
    if not isinstance(wanted, Mapping):
        raise InvalidSetting(f"{name} is an object")
    if now and all(isinstance(value, int) for value in now.values()):
        for key, value in wanted.items():
            if key not in now or not isinstance(value, int) or isinstance(value, bool):
                raise InvalidSetting(f"{name} is an object of whole numbers for {', '.join(sorted(now))}")
    return {**now, **wanted}


def _checked_list(name: str, now: Any, wanted: Any) -> Any:
    """Numbers where it holds numbers, and as many; else any number of names."""
    numbers = isinstance(now, tuple) and bool(now) and all(isinstance(one, int) for one in now)
    if numbers:
        if isinstance(wanted, list) and len(wanted) == len(now) and all(type(one) is int for one in wanted):
            return tuple(wanted)
        raise InvalidSetting(f"{name} is a list of {len(now)} whole numbers")
    if isinstance(wanted, list) and all(isinstance(one, str) for one in wanted):
        return type(now)(wanted)
    raise InvalidSetting(f"{name} is a list of texts")
