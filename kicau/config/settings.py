"""Django's settings, made from Kicau's own (kicau/base/setting_definitions.py). Nothing here asks for an environment variable itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from kicau.base import postgres, setting_definitions
from kicau.base.keys import EncryptionKeys, load_or_create_keys
from kicau.connector.transport import ssrf

ROOT = Path(__file__).resolve().parent.parent

KICAU_DATA = setting_definitions.data_folder()
# Where numba keeps what it compiled: the packages' own folder and a home are not everybody's to write.
os.environ.setdefault("NUMBA_CACHE_DIR", str(KICAU_DATA / "compiled"))
KICAU_PUBLIC_URL = setting_definitions.public_url()
KICAU_KEYS = EncryptionKeys(KICAU_DATA)
KICAU_API_RATE = int(setting_definitions.read_setting("KICAU_API_RATE"))
KICAU_SIGN_IN_RATE = int(setting_definitions.read_setting("KICAU_SIGN_IN_RATE"))
KICAU_SESSION_DAYS = int(setting_definitions.read_setting("KICAU_SESSION_DAYS"))
KICAU_SESSION_IDLE_DAYS = int(setting_definitions.read_setting("KICAU_SESSION_IDLE_DAYS"))
KICAU_UPLOAD_SPACE = int(setting_definitions.read_setting("KICAU_UPLOAD_SPACE")) * 1_000_000_000
KICAU_PROXIES = setting_definitions.read_list_setting("KICAU_PROXIES")
KICAU_OIDC_ISSUER = setting_definitions.read_setting("KICAU_OIDC_ISSUER")
KICAU_OIDC_CLIENT_ID = setting_definitions.read_setting("KICAU_OIDC_CLIENT_ID")
KICAU_OIDC_CLIENT_SECRET = setting_definitions.read_setting("KICAU_OIDC_CLIENT_SECRET")
KICAU_OIDC_HOSTS = setting_definitions.read_list_setting("KICAU_OIDC_HOSTS")
KICAU_OIDC_NAME = setting_definitions.read_setting("KICAU_OIDC_NAME")
KICAU_INTERNAL_HOSTS = [
    h.strip() for h in setting_definitions.read_setting("KICAU_INTERNAL_HOSTS").split(",") if h.strip()
]
KICAU_AUDIT_FOLDERS = [
    one.strip() for one in setting_definitions.read_setting("KICAU_AUDIT_FOLDERS").split(",") if one.strip()
]
ssrf.ALLOWED_HOSTS.update(KICAU_INTERNAL_HOSTS)

SECRET_KEY, *SECRET_KEY_FALLBACKS = load_or_create_keys(KICAU_DATA).signing
DEBUG = setting_definitions.read_setting("KICAU_DEBUG") == "1"
_public = urlsplit(KICAU_PUBLIC_URL)
ALLOWED_HOSTS = list(dict.fromkeys([_public.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]))
CSRF_TRUSTED_ORIGINS = [KICAU_PUBLIC_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "kicau.events",
    "kicau.evidence",
    "kicau.rights",
    "kicau.workspaces",
    "kicau.notifications",
    "kicau.costs",
    "kicau.media",
    "kicau.engine",
    "kicau.channels",
    "kicau.publishing",
    "kicau.sync",
    "kicau.inbox",
    "kicau.archive",
    "kicau.dataset_audit",
    "kicau.training_sets",
    "kicau.offboarding",
    "kicau.web",
    "kicau.api",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "kicau.web.core.compression.CompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "kicau.web.core.private_pages.NoStoreMiddleware",
    "kicau.web.core.private_pages.BrowserSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "kicau.web.core.language.PersonLanguage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "blob:", "data:"],
    "media-src": ["'self'", "blob:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
    "manifest-src": ["'self'"],
}
ROOT_URLCONF = "kicau.config.urls"
ASGI_APPLICATION = "kicau.config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Each subject of the pages has its templates beside its views: kicau/web/<subject>/templates/<subject>/.
        "DIRS": sorted((ROOT / "web").glob("*/templates")),
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "kicau.web.core.context.page_frame",
            ],
        },
    }
]


def database(url: str) -> dict[str, Any]:
    """Django's entry for a PostgreSQL address."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    known = {
        "HOST": unquote(query.pop("host", "")) or parts.hostname or "",
        "PORT": str(parts.port or query.pop("port", "")),
        "USER": query.pop("user", "") or unquote(parts.username or ""),
        "PASSWORD": query.pop("password", "") or unquote(parts.password or ""),
        "NAME": unquote(parts.path.lstrip("/")) or "kicau",
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        **known,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10, **query},
        "TEST": {"NAME": f"test_{known['NAME']}"},
    }


DATABASES = {"default": database(setting_definitions.read_setting("DATABASE_URL") or postgres.cluster(KICAU_DATA).url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10_000}}}

AUTH_USER_MODEL = "workspaces.Person"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": opts}
    for name, opts in [
        ("UserAttributeSimilarityValidator", {"user_attributes": ("email", "name")}),
        ("MinimumLengthValidator", {"min_length": 10}),
        ("CommonPasswordValidator", {}),
    ]
] + [{"NAME": f"kicau.workspaces.passwords.{name}"} for name in ("VarietyValidator", "StemValidator")]
PASSWORD_HASHERS = ["kicau.workspaces.hashing.LimitedArgon2PasswordHasher"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
_https = _public.scheme == "https"
# Browsers take a cookie named __Host-… from this very host alone, for all its paths and by https. By plain http, which is
# for this machine itself, they would refuse it.
COOKIE_PREFIX = "__Host-" if _https else ""
SESSION_ENGINE = "kicau.workspaces.session_store"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}kicau"
SESSION_COOKIE_AGE = KICAU_SESSION_DAYS * 86400
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}kicau_csrf"
PASSKEY_COOKIE_NAME = f"{COOKIE_PREFIX}kicau_passkey"
OIDC_COOKIE_NAME = f"{COOKIE_PREFIX}kicau_oidc"
CSRF_COOKIE_HTTPONLY = True  # scripts take the token from the page (hx-headers of its body)
CSRF_COOKIE_AGE = SESSION_COOKIE_AGE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if _https else 0
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("id", "Bahasa Indonesia")]
LOCALE_PATHS = [ROOT / "locale", *sorted(ROOT.glob("networks/*/locale"))]  # each network brings its own words
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "kicau.config.formats"

STATIC_URL = "/static/"
CSRF_FAILURE_VIEW = "kicau.web.account.sign_in.csrf_failure"  # Django's own page has a style in it, which ours forbid
STATIC_ROOT = KICAU_DATA / "static"  # empty: files are served from the packages themselves
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

_mail = urlsplit(setting_definitions.read_setting("KICAU_EMAIL_URL"))
_smtp = {
    "host": _mail.hostname or "",
    "port": _mail.port or 587,
    "username": unquote(_mail.username or ""),
    "password": unquote(_mail.password or ""),
    "use_tls": _mail.scheme == "smtp" and _mail.port != 25 and dict(parse_qsl(_mail.query)).get("tls") != "no",
    "use_ssl": _mail.scheme == "smtps",
    "timeout": 20,
}
MAILERS = {
    "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": _smtp}
    if _mail.hostname
    else {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
}
KICAU_SENDS_MAIL = bool(_mail.hostname)
KICAU_MAIL_HOST = _mail.hostname or ""
KICAU_ALERT_EMAIL = [a.strip() for a in setting_definitions.read_setting("KICAU_ALERT_EMAIL").split(",") if a.strip()]
KICAU_ALERT_WEBHOOK = setting_definitions.read_setting("KICAU_ALERT_WEBHOOK")
KICAU_ALERT_SECRET = setting_definitions.read_setting("KICAU_ALERT_SECRET")
KICAU_METRICS_TOKEN = setting_definitions.read_setting("KICAU_METRICS_TOKEN")
DEFAULT_FROM_EMAIL = setting_definitions.read_setting("KICAU_EMAIL_FROM")

LOGGING_CONFIG = None  # structlog, set up by each process: kicau/base/logs.py
