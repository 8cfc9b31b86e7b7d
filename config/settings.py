"""Settings of Peygir. What differs between installations comes from `config.env`."""

from __future__ import annotations

import os

import django_stubs_ext
from django.utils.translation import gettext_lazy as _

from config import env, logs
from config.env import PROJECT_ROOT

# Generic classes of Django (`ModelForm[Client]`) are real only for type checkers without this.
django_stubs_ext.monkeypatch()

ENV = env.load()

SECRET_KEY = ENV.secret_key
DEBUG = False
PRODUCTION = ENV.production
ALLOWED_HOSTS = ENV.allowed_hosts
PUBLIC_URL = ENV.public_url
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
HTTPS = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    # Before Django's own, so that our migrate and flush are the ones found.
    "config",
    "clinic",
    "patients",
    "sessions_app",
    "messaging",
    "feedback",
    "followup",
    "exchange",
    "panel",
    "clinic.apps.OperatorConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    # First: answers even when the database does not, and needs no hat.
    "config.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Pages travel compressed too, whatever stands in front. Their length could tell of a secret
    # beside something a stranger chose, so Django lengthens each at random and masks its CSRF token.
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    # Opens the request's transaction under the web hat; everything below may read the database.
    "clinic.middleware.HatMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "clinic.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "clinic.middleware.ClinicMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT_ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
            ],
        },
    }
]

#: The project started the server itself (`manage.py`), so it may also bring it up to date.
EMBEDDED_DATABASE = os.environ.get("PEYGIR_EMBEDDED") == "1"
DATABASES = {
    "default": {
        **ENV.database,
        # A host behind a broken line takes no connection and refuses none.
        "OPTIONS": {"connect_timeout": 5, **ENV.database.get("OPTIONS", {})},
        # Hats are local to a transaction, so a pooler in transaction mode is fine; its price is
        # that server-side cursors are not.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ENV.redis_url,
        "KEY_PREFIX": "peygir",
        "OPTIONS": {"socket_connect_timeout": 3, "socket_timeout": 3},
    }
}

# -- Language, calendar, time ------------------------------------------------------------------
LANGUAGE_CODE = "fa"
LANGUAGES = [("fa", _("Persian")), ("en", _("English"))]
LOCALE_PATHS = [PROJECT_ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Tehran"

# -- People ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "clinic.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "clinic.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # an account exists only through a link sent to its address
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no letter to somebody who has no account
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_FORMS = {
    "login": "clinic.account_forms.LoginForm",
    "reset_password": "clinic.account_forms.ResetPasswordForm",
    "reset_password_from_key": "clinic.account_forms.ResetPasswordKeyForm",
    "change_password": "clinic.account_forms.ChangePasswordForm",
    "reauthenticate": "clinic.account_forms.ReauthenticateForm",
}
MFA_ADAPTER = "clinic.adapters.MfaAdapter"
MFA_FORMS = {
    "activate_totp": "clinic.account_forms.ActivateTOTPForm",
    "authenticate": "clinic.account_forms.AuthenticateForm",
    "reauthenticate": "clinic.account_forms.MfaReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Peygir"

# -- Web ---------------------------------------------------------------------------------------
STATIC_URL = "/static/"
# Development and tests serve straight from the finders; nothing is collected there.
STATIC_ROOT = PROJECT_ROOT / "staticfiles" if PRODUCTION else None
STATICFILES_DIRS = [PROJECT_ROOT / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.staticfiles_finder.NpmFinder",
]
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS and PRODUCTION else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# Behind the same proxy, or sign-in limits would count everybody as one address.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20

for _name, _value in ENV.email.items():
    globals()[_name] = _value
EMAIL_TIMEOUT = 10  # an invitation is mailed inside its request
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENV.default_from_email
BOUNCE_ADDRESS = ENV.bounce_address

METRICS_TOKEN = ENV.metrics_token

# -- Messaging ---------------------------------------------------------------------------------
KAVENEGAR_BASE_URL = ENV.kavenegar_base_url
KAVENEGAR_API_KEY = ENV.kavenegar_api_key
GATEWAY_CALLS_PER_SECOND = ENV.gateway_calls_per_second
SMSIR_BASE_URL = ENV.smsir_base_url
WHATSAPP_BASE_URL = ENV.whatsapp_base_url
ALLOWED_RECIPIENTS = ENV.allowed_recipients

# -- Celery: id-less ticks and drains, safe to lose, repeat or reorder ----------------------------
CELERY_BROKER_URL = ENV.redis_url
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Redis hands a task out again after this; it must stand above the hard limit, or tasks repeat.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 120}
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 50
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

LOGGING = logs.LOGGING
logs.configure()
