"""Every setting of Kicau: its name, default, meaning and check. The environment gives the values; doctor reads this list."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


class SettingError(ValueError):
    """A setting cannot be used. The message names it, what is wrong and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDefinition:
    name: str  # of the environment variable
    default: str  # "" with `made`: see `help`
    help: str
    check: Callable[[str], str] = lambda value: ""  # "" or what is wrong, as the end of a sentence
    is_secret: bool = False


def _check_port(value: str) -> str:
    return "" if value.isdigit() and 0 <= int(value) < 65536 else "must be a port number, 0 to 65535"


def _check_count(value: str) -> str:
    return "" if value.isdigit() and 1 <= int(value) <= 64 else "must be a number from 1 to 64"


def _check_days(value: str) -> str:
    return "" if value.isdigit() and 1 <= int(value) <= 365 else "must be a number of days, 1 to 365"


def _check_url(value: str) -> str:
    parts = urlsplit(value)
    if not value or (parts.scheme in ("http", "https") and parts.netloc and not parts.query):
        return ""
    return "must be an address such as https://kicau.example.org"


def is_encrypted_or_local(address: str) -> bool:
    """Whether an address is https, or http on this machine itself."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)


def _check_issuer(value: str) -> str:
    if not value or (not _check_url(value) and is_encrypted_or_local(value)):
        return ""
    return "must be an https:// address (http:// only on this machine), such as https://id.example.org"


def _check_hosts(value: str) -> str:
    if all(not {"/", "@", "?", "#"} & set(one) for one in value.split(",")):
        return ""
    return "must be hosts, separated by commas, such as oauth2.example.org or id.example.org:8443"


def _check_database(value: str) -> str:
    if not value or urlsplit(value).scheme in ("postgres", "postgresql"):
        return ""
    return "must be an address such as postgresql://user:password@host:5432/kicau (only PostgreSQL is supported)"


def _check_log_level(value: str) -> str:
    return "" if value in ("debug", "info", "warning", "error") else "must be debug, info, warning or error"


def _check_log_format(value: str) -> str:
    return "" if value in ("json", "text") else "must be json or text"


def _check_networks(value: str) -> str:
    try:
        for one in filter(None, map(str.strip, value.split(","))):
            ipaddress.ip_network(one)
    except ValueError:
        return "must be addresses or networks such as 127.0.0.1 or 172.18.0.0/16, separated by commas"
    return ""


def _check_switch(value: str) -> str:
    return "" if value in ("0", "1") else "must be 0 or 1"


def _check_urls(value: str) -> str:
    parts = [urlsplit(one.strip()) for one in value.split(",") if one.strip()]
    if all(p.scheme in ("http", "https") and p.netloc for p in parts):
        return ""
    return "must be addresses such as https://stamps.example.org, separated by commas"


def _check_verifiers(value: str) -> str:
    if all(one.count("+") >= 2 and " " not in one for one in map(str.strip, value.split(",")) if one):
        return ""
    return "must be verifier keys (NAME+HASH+KEY), separated by commas"


def _check_witnesses(value: str) -> str:
    for one in filter(None, map(str.strip, value.split(","))):
        key, _, url = one.partition(" ")
        if _check_verifiers(key) or not url or _check_urls(url):
            return "must be NAME+HASH+KEY, a space and an address, for each witness"
    return ""


def default_data_folder() -> Path:
    """/var/lib/kicau as root (its database runs as a user of its own, who must be able to reach it), else the user's
    own data folder."""
    if os.name == "posix" and os.geteuid() == 0:
        return Path("/var/lib/kicau")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "kicau"


SETTING_DEFINITIONS = (
    SettingDefinition(
        name="KICAU_DATA",
        default="",
        help="The folder where Kicau keeps everything. Default: /var/lib/kicau as root, else ~/.local/share/kicau.",
    ),
    SettingDefinition(
        name="KICAU_HOST",
        default="127.0.0.1",
        help="Address on which the web server listens. To let others in, put a proxy with TLS in front of it.",
    ),
    SettingDefinition(
        name="KICAU_PORT", default="8000", help="Port on which the web server listens.", check=_check_port
    ),
    SettingDefinition(
        name="KICAU_PROXIES",
        default="",
        help="Addresses or networks of the reverse proxies in front of Kicau, separated by commas, such as 127.0.0.1 or 172.18.0.0/16. Kicau trusts X-Forwarded-For only from them, and counts guesses for each visitor by it. Default: none.",
        check=_check_networks,
    ),
    SettingDefinition(
        name="KICAU_PUBLIC_URL",
        default="",
        help="Address that browsers and networks use for Kicau. Default: http://KICAU_HOST:KICAU_PORT.",
        check=_check_url,
    ),
    SettingDefinition(
        name="DATABASE_URL",
        default="",
        help="An external PostgreSQL, 15 or newer. Default: the embedded one, in the data folder.",
        check=_check_database,
        is_secret=True,
    ),
    SettingDefinition(
        name="KICAU_WORKERS", default="1", help="Number of worker processes that `kicau up` starts.", check=_check_count
    ),
    SettingDefinition(
        name="KICAU_LOG_LEVEL", default="info", help="Log level: debug, info, warning or error.", check=_check_log_level
    ),
    SettingDefinition(
        name="KICAU_LOG_FORMAT",
        default="json",
        help="Log format: json (one object a line) or text.",
        check=_check_log_format,
    ),
    SettingDefinition(
        name="KICAU_INTERNAL_HOSTS",
        default="",
        help="Hosts inside your own network that Kicau may connect to, separated by commas: host or host:port.",
    ),
    SettingDefinition(
        name="KICAU_API_RATE",
        default="600",
        help="API requests that a token may make in a minute.",
        check=lambda v: "" if v.isdigit() and int(v) > 0 else "must be a number above 0",
    ),
    SettingDefinition(
        name="KICAU_UPLOAD_SPACE",
        default="8",
        help="Disk space in GB that all running uploads share, and so the size of the largest archive. Uploads never take more than half of the free disk.",
        check=lambda v: "" if v.isdigit() and 1 <= int(v) <= 1000 else "must be a number of GB, 1 to 1000",
    ),
    SettingDefinition(
        name="KICAU_SIGN_IN_RATE",
        default="10",
        help="Failed sign-ins that one address may make to one account in ten minutes.",
        check=lambda v: "" if v.isdigit() and int(v) > 0 else "must be a number above 0",
    ),
    SettingDefinition(
        name="KICAU_SESSION_IDLE_DAYS",
        default="14",
        help="Days without use after which a browser is signed out.",
        check=_check_days,
    ),
    SettingDefinition(
        name="KICAU_SESSION_DAYS",
        default="30",
        help="Days after which every browser is signed out, even if it is in use.",
        check=_check_days,
    ),
    SettingDefinition(
        name="KICAU_EMAIL_URL",
        default="",
        help="Mail server: smtp://user:password@host:587, smtps://… for TLS from the start, ?tls=no for your own server without TLS. Default: e-mails are written to the log.",
        check=lambda v: (
            ""
            if not v or urlsplit(v).scheme in ("smtp", "smtps")
            else "must be an address such as smtp://user:password@host:587"
        ),
        is_secret=True,
    ),
    SettingDefinition(name="KICAU_EMAIL_FROM", default="kicau@localhost", help="Sender of e-mails."),
    SettingDefinition(
        name="KICAU_ATTEMPT_DAYS",
        default="400",
        help="Days for which Kicau keeps the attempt log of each delivery; 0 means forever. Deliveries and charges are always kept.",
        check=lambda v: "" if v.isdigit() and int(v) <= 36_500 else "must be a number of days, 0 to 36500",
    ),
    SettingDefinition(
        name="KICAU_ANSWER_DAYS",
        default="400",
        help="Days for which Kicau keeps comments and mentions that other people wrote; 0 means forever. The activity log says how many were deleted.",
        check=lambda v: "" if v.isdigit() and int(v) <= 36_500 else "must be a number of days, 0 to 36500",
    ),
    SettingDefinition(
        name="KICAU_ALERT_EMAIL",
        default="",
        help="E-mail addresses that receive alerts about the instance, separated by commas. Default: all operators.",
    ),
    SettingDefinition(
        name="KICAU_ALERT_WEBHOOK",
        default="",
        help="Address that receives alerts about the instance as JSON. It may be inside your own network.",
        check=_check_url,
    ),
    SettingDefinition(
        name="KICAU_ALERT_SECRET",
        default="",
        help="Secret that signs messages to KICAU_ALERT_WEBHOOK, like other webhooks.",
        is_secret=True,
    ),
    SettingDefinition(
        name="KICAU_METRICS_TOKEN",
        default="",
        help="Bearer token for /metrics. Default: /metrics answers only this machine, and no one if KICAU_PUBLIC_URL is a public address.",
        is_secret=True,
    ),
    SettingDefinition(
        name="KICAU_OIDC_ISSUER",
        default="",
        help="Issuer address of the identity provider (OpenID Connect) that people may sign in with. It must be https:// unless it is on this machine. Default: none.",
        check=_check_issuer,
    ),
    SettingDefinition(
        name="KICAU_OIDC_CLIENT_ID", default="kicau", help="Client id of this Kicau at the identity provider."
    ),
    SettingDefinition(
        name="KICAU_OIDC_CLIENT_SECRET",
        default="",
        help="Client secret of this Kicau at the identity provider.",
        is_secret=True,
    ),
    SettingDefinition(
        name="KICAU_OIDC_HOSTS",
        default="",
        help="Further hosts where the identity provider accepts codes and publishes its keys, separated by commas: host or host:port. Default: only the issuer's host and port.",
        check=_check_hosts,
    ),
    SettingDefinition(
        name="KICAU_OIDC_NAME",
        default="single sign-on",
        help="Name of the identity provider on the button: Sign in with …",
    ),
    SettingDefinition(
        name="KICAU_TIMESTAMPS",
        default="",
        help="Addresses of time-stamping services (RFC 3161) for the evidence log, separated by commas. Default: none.",
        check=_check_urls,
    ),
    SettingDefinition(
        name="KICAU_OPENTIMESTAMPS",
        default="",
        help="Addresses of OpenTimestamps calendars for the evidence log, separated by commas. Default: none.",
        check=_check_urls,
    ),
    SettingDefinition(
        name="KICAU_WITNESSES",
        default="",
        help="Witnesses that co-sign the evidence log, separated by commas. Each is NAME+HASH+KEY, a space and its address (for another Kicau: its public address and /witness). Default: none.",
        check=_check_witnesses,
    ),
    SettingDefinition(
        name="KICAU_WITNESS_FOR",
        default="",
        help="Verifier keys (NAME+HASH+KEY) of the logs for which this Kicau is a witness, separated by commas. Default: none.",
        check=_check_verifiers,
    ),
    SettingDefinition(
        name="KICAU_C2PA_CERTIFICATE",
        default="",
        help="File of the certificate (PEM, with those above it) that signs published pictures and videos together with their permissions (C2PA). Default: none; they are marked but not signed.",
    ),
    SettingDefinition(
        name="KICAU_C2PA_KEY",
        default="",
        help="File of that certificate's private key (PEM without a passphrase), readable by Kicau alone.",
    ),
    SettingDefinition(
        name="KICAU_AUDIT_FOLDERS",
        default="",
        is_secret=True,  # an entry may have a sign-in
        help="Folders of this machine, buckets (s3://…, gs://…) and addresses (https://…) where audits may search data sets, separated by commas. A bucket's entry may have options (?endpoint_override=…&region=…). Addresses that people type may not. Default: none; audits search only uploads.",
    ),
    SettingDefinition(
        name="KICAU_DEBUG",
        default="0",
        help="1 shows technical details on error pages. Never use it on a public address.",
        check=_check_switch,
    ),
)

_DEFINITIONS_BY_NAME = {option.name: option for option in SETTING_DEFINITIONS}


RUNNING_FILE_NAME = "running.json"  # in the data folder, while `kicau up` runs: its process and its address
ADDRESS_SETTINGS = ("KICAU_HOST", "KICAU_PORT", "KICAU_PUBLIC_URL")


def read_setting(name: str, environment: Mapping[str, str] | None = None) -> str:
    """The setting's value, checked. The address is that of the running instance where one runs on the data folder.
    Raises SettingError."""
    option = _DEFINITIONS_BY_NAME[name]
    value = (os.environ if environment is None else environment).get(name, "").strip() or option.default
    if environment is None and name in ADDRESS_SETTINGS:
        value = running_address().get(name) or value
    if wrong := option.check(value):
        shown = "" if option.is_secret else f"; it is {value!r}"
        raise SettingError(f"The setting {name} {wrong}{shown}. Change it and start again.")
    return value


def read_list_setting(name: str) -> list[str]:
    """A setting of several values with commas between them. Raises SettingError."""
    return [one.strip() for one in read_setting(name).split(",") if one.strip()]


def data_folder() -> Path:
    return Path(read_setting("KICAU_DATA") or default_data_folder()).expanduser().absolute()


def record_running(folder: Path) -> Path:
    """Write down, for other commands on this folder, by which address this process's instance is reached."""
    values = {name: read_setting(name, os.environ) for name in ADDRESS_SETTINGS}
    target = folder / RUNNING_FILE_NAME
    target.write_text(json.dumps({"process": os.getpid(), **values}), "utf-8")
    return target


def running_address() -> dict[str, str]:
    """The address settings of the instance that runs on the data folder; empty where none does."""
    try:
        found = json.loads((data_folder() / RUNNING_FILE_NAME).read_text("utf-8"))
        values = {name: str(found[name]) for name in ADDRESS_SETTINGS}
        process = int(found["process"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    try:
        os.kill(process, 0)
    except PermissionError:
        return values  # it is another user's, so it runs
    except (OSError, OverflowError):
        return {}
    return values


def public_url() -> str:
    return (
        read_setting("KICAU_PUBLIC_URL") or f"http://{read_setting('KICAU_HOST')}:{read_setting('KICAU_PORT')}"
    ).rstrip("/")
