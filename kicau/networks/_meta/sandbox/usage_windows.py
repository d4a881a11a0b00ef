"""How many calls an account and the app may make, and the headers that tell how much is used up."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import ClassVar

from aiohttp import web

from kicau.connector.sandbox.server import Sandbox
from kicau.networks._meta.sandbox.calls import HOUR_SECONDS, PARAMS_KEY, GraphError, GraphRequest, sandbox_time


@dataclass(slots=True)
class CallWindow:
    """Calls of one account over the last 24 hours, by the hour."""

    hours: dict[int, int] = field(default_factory=dict)

    def total(self) -> int:
        return sum(self.hours.values())


class GraphUsageWindows(Sandbox):
    """Counts calls; refuses them when the window is used up."""

    limits_off: bool
    calls_per_day: int  # of one account
    app_calls_per_hour: int
    windows: dict[str, CallWindow]  # by account
    app_window: CallWindow

    buc: ClassVar[tuple[str, int]]  # the use case's name in X-Business-Use-Case-Usage, and its error code

    def count_call(self, ask: GraphRequest) -> None:
        """One more call in the account's 24 hours and the app's hour; refuses when they are used up."""
        subject, hour = ask.token["subject"], int(sandbox_time(self) // HOUR_SECONDS)
        window = self.windows.setdefault(subject, CallWindow())
        if hour not in window.hours:
            for old in [h for h in window.hours if h <= hour - 24]:
                del window.hours[old]
                self.store.remove("calls", f"{subject}|{old}")
        if not self.limits_off and window.total() >= self.calls_per_day:
            raise self.too_many_calls(ask.token["kind"], subject, self._minutes_to_regain(window, hour))
        in_app = self.app_window.hours.get(hour, 0)
        if not self.limits_off and in_app >= self.app_calls_per_hour:
            raise self.too_many_calls("user", subject, 60)
        self.app_window.hours = {hour: in_app + 1}
        count = window.hours[hour] = window.hours.get(hour, 0) + 1
        self.store.put("calls", f"{subject}|{hour}", {"subject": subject, "hour": hour, "count": count})
        self.meter(ask.token["app"], "calls")

    def _minutes_to_regain(self, window: CallWindow, hour: int) -> int:
        oldest = min(window.hours, default=hour)
        return max(1, math.ceil(((oldest + 24) * HOUR_SECONDS - sandbox_time(self)) / 60))

    def too_many_calls(self, kind: str, subject: str, minutes: int) -> GraphError:
        """User tokens meet the platform's limit (4), page and Instagram tokens the use case's own."""
        name, code = self.buc
        if kind == "user":
            return GraphError(
                4,
                "(#4) Application request limit reached",
                status=403,
                headers={"X-App-Usage": '{"call_count":100,"total_time":25,"total_cputime":25}'},
            )
        row = {
            "type": name,
            "call_count": 100,
            "total_cputime": 25,
            "total_time": 25,
            "estimated_time_to_regain_access": minutes,
        }
        headers = {"X-Business-Use-Case-Usage": json.dumps({subject: [row]})}
        said = f"(#{code}) There have been too many calls to this {'Page' if name == 'pages' else 'Instagram'} account. Wait a bit and try again."
        return GraphError(code, said, headers=headers)

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        token = self.store.get("token", request[PARAMS_KEY].get("access_token", "")) or {}
        kind, subject = token.get("kind", "user"), token.get("subject", "")
        if not token and request.headers.get("Authorization"):
            kind = "page"
        refused = self.too_many_calls(kind, subject, math.ceil(seconds / 60))
        if not seconds:
            refused.headers.clear()
        return web.json_response(refused.body, status=refused.status, headers=refused.headers)

    def plan_exhausted(self, request: web.Request) -> web.Response:
        """Meta sells no plans; what runs out is the app's own window."""
        refused = self.too_many_calls("user", "", 60)
        return web.json_response(refused.body, status=refused.status, headers=refused.headers)

    def usage_headers(self, subject: str) -> dict[str, str]:
        window = self.windows.get(subject)
        if window is None:
            return {}
        percent = 0 if self.limits_off else min(100, window.total() * 100 // max(1, self.calls_per_day))
        regain = self._minutes_to_regain(window, int(sandbox_time(self) // HOUR_SECONDS)) if percent == 100 else 0
        usage = f'{{"call_count":{percent},"total_cputime":{percent // 2},"total_time":{percent // 2}'
        in_app = 0 if self.limits_off else min(100, self.app_window.total() * 100 // max(1, self.app_calls_per_hour))
        return {
            "X-App-Usage": f'{{"call_count":{in_app},"total_cputime":{in_app // 2},"total_time":{in_app // 2}}}',
            "X-Business-Use-Case-Usage": f'{{"{subject}":[{usage[:1]}"type":"{self.buc[0]}",{usage[1:]},"estimated_time_to_regain_access":{regain}}}]}}',
        }
