"""Which channels may be used now: the one answer for publishing, syncing and incoming webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db.models import Q

from kicau.channels.models import ChannelState

type _Rule = tuple[str, Callable[[str, datetime], Q]]  # as SQL of a column, and as a filter of a field

# The index of active channels is no way to a channel that is known by its id, hence coalesce.
_ACTIVE: _Rule = ("coalesce({}, '') = 'active'", lambda field, now: Q(**{field: ChannelState.ACTIVE}))
_NOT: _Rule = ("NOT {}", lambda field, now: Q(**{field: False}))
_ENDS: _Rule = ("({0} IS NULL OR {0} > %(now)s)", lambda field, now: Q(**{field: None}) | Q(**{f"{field}__gt": now}))
_OVER: _Rule = ("({0} IS NULL OR {0} <= %(now)s)", lambda field, now: Q(**{field: None}) | Q(**{f"{field}__lte": now}))

# The network lets Kicau in, and nobody paused the channel or left its network.
_CONNECTED: Mapping[str, _Rule] = {"state": _ACTIVE, "is_paused": _NOT, "leaves_at": _ENDS}
# And no limit of the network holds back the channel or its app.
_USABLE: Mapping[str, _Rule] = {**_CONNECTED, "paused_until": _OVER, "app__paused_until": _OVER}


def connected_filter(now: datetime, path: str = "") -> Q:
    """Channels that are connected, though a limit may hold them back; `path` leads to them ("channel__")."""
    return _filter(_CONNECTED, now, path)


def usable_filter(now: datetime, path: str = "") -> Q:
    """Channels with which the network may be called now."""
    return _filter(_USABLE, now, path)


def usable_sql() -> str:
    """The same in a statement that has the channel as `c`, its app as `a`, and the time as the parameter `now`."""
    columns = {field: f"c.{field}".replace("c.app__", "a.") for field in _USABLE}
    return " AND ".join(sql.format(columns[field]) for field, (sql, _) in _USABLE.items())


def _filter(rules: Mapping[str, _Rule], now: datetime, path: str) -> Q:
    found = Q()
    for field, (_, condition) in rules.items():
        found &= condition(path + field, now)
    return found
