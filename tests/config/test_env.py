"""Every variable: what is read from it, and the one line when it is wrong."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from config import env
from config.secretfile import read_or_create_secret

KEY = "k" * 50
PRODUCTION = {
    "PEYGIR_ENV": "production",
    "SECRET_KEY": KEY,
    "PUBLIC_URL": "https://peygir.example.ir/",
    "DATABASE_URL": "postgres://peygir_login:p%40ss@db:5433/peygir?sslmode=require",
    "REDIS_URL": "redis://:secret@redis:6379/0",
    "EMAIL_URL": "smtp+tls://post:p%40ss@mail.example.ir:587",
    "DEFAULT_FROM_EMAIL": "Peygir <no-reply@example.ir>",
}


def test_development_needs_no_variable(tmp_path: Path) -> None:
    found = env.read({"PEYGIR_VAR": str(tmp_path)})
    assert not found.production
    assert found.port == 8000
    assert found.public_url == "http://127.0.0.1:8000"
    assert found.allowed_hosts == ["127.0.0.1", "localhost", "[::1]"]
    assert found.kavenegar_base_url == "https://api.kavenegar.com"
    assert found.kavenegar_api_key == ""
    assert found.smsir_base_url == "https://api.sms.ir"
    assert found.allowed_recipients == []
    assert found.email["EMAIL_FILE_PATH"] == str(tmp_path / "mail")
    assert found.database["HOST"] == env.NO_SERVER
    assert env.NO_SERVER in found.redis_url


def test_production_is_read_from_its_variables() -> None:
    found = env.read(PRODUCTION)
    assert found.production
    assert found.secret_key == KEY
    assert found.public_url == "https://peygir.example.ir"
    assert found.allowed_hosts == ["peygir.example.ir"]
    assert found.database == {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "db",
        "PORT": 5433,
        "NAME": "peygir",
        "USER": "peygir_login",
        "PASSWORD": "p@ss",
        "OPTIONS": {"sslmode": "require"},
    }
    assert found.email["EMAIL_HOST_PASSWORD"] == "p@ss"
    assert found.email["EMAIL_USE_TLS"] is True
    assert found.default_from_email == "Peygir <no-reply@example.ir>"


@pytest.mark.parametrize("name", sorted(env.REQUIRED_IN_PRODUCTION))
@pytest.mark.parametrize("empty", [None, "", "  "])
def test_production_guesses_nothing(name: str, empty: str | None) -> None:
    variables = {key: text for key, text in PRODUCTION.items() if key != name}
    if empty is not None:
        variables[name] = empty
    with pytest.raises(env.BadVariable) as caught:
        env.read(variables)
    assert caught.value.name == name
    assert str(caught.value) == f"{name} is not set: it should be {env.EXPECTED[name]}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PEYGIR_ENV", "prod"),
        ("PEYGIR_VAR", "a\nb"),
        ("PEYGIR_VAR", "~no-such-user/var"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "۸۰۰۰"),
        ("PORT", "http"),
        ("SECRET_KEY", "k" * 49),
        ("PUBLIC_URL", "peygir.example.ir"),
        ("PUBLIC_URL", "https://peygir.example.ir/panel"),
        ("PUBLIC_URL", "https://user:password@peygir.example.ir"),
        ("PUBLIC_URL", "https://peygir.example.ir:port"),
        ("PUBLIC_URL", "ftp://peygir.example.ir"),
        ("PUBLIC_URL", "https://"),
        ("ALLOWED_HOSTS", "https://peygir.example.ir"),
        ("ALLOWED_HOSTS", ","),
        ("DATABASE_URL", "sqlite:///db.sqlite3"),
        ("DATABASE_URL", "postgres://host:5432/"),
        ("DATABASE_URL", "postgres://host:99999/peygir"),
        ("DATABASE_URL", "postgres://user:pass word@host/peygir"),
        ("DATABASE_URL", "postgres://[host/peygir"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://"),
        ("KAVENEGAR_BASE_URL", "https://api.kavenegar.com/v1"),
        ("KAVENEGAR_BASE_URL", "https://api.kavenegar.com?x=1"),
        ("SMSIR_BASE_URL", "https://api.sms.ir/v1"),
        ("WHATSAPP_BASE_URL", "https://graph.facebook.com/v26.0"),
        ("BOUNCE_ADDRESS", "bounces"),
        ("BOUNCE_ADDRESS", "bounces+x@example.ir"),
        ("BOUNCE_ADDRESS", "Bounces <bounces@example.ir>"),
        ("KAVENEGAR_API_KEY", "key/../other"),
        ("KAVENEGAR_API_KEY", "کلید"),
        ("ALLOWED_RECIPIENTS", "09121234567,reception"),
        ("ALLOWED_RECIPIENTS", "12"),
        ("EMAIL_URL", "mail.example.ir"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "smtp://mail.example.ir:many"),
        ("DEFAULT_FROM_EMAIL", "Peygir"),
        ("DEFAULT_FROM_EMAIL", "Peygir <a@b.ir>\nBcc: c@d.ir"),
    ],
)
def test_a_malformed_variable_is_named_and_never_quoted(
    name: str, text: str, tmp_path: Path
) -> None:
    with pytest.raises(env.BadVariable) as caught:
        env.read({"PEYGIR_VAR": str(tmp_path), name: text})
    assert str(caught.value) == f"{name} is malformed: it should be {env.EXPECTED[name]}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09121234567", ["09121234567"]),
        (" 09121234567 , +98 935 123 4567,", ["09121234567", "+98 935 123 4567"]),
        ("۰۹۱۲۱۲۳۴۵۶۷، ۰۲۱-۸۸۸۸۸۸۸۸", ["۰۹۱۲۱۲۳۴۵۶۷", "۰۲۱-۸۸۸۸۸۸۸۸"]),
    ],
    ids=["one", "two", "persian"],
)
def test_recipients_are_taken_as_people_write_them(
    text: str, expected: list[str], tmp_path: Path
) -> None:
    found = env.read({"PEYGIR_VAR": str(tmp_path), "ALLOWED_RECIPIENTS": text})
    assert found.allowed_recipients == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://api.kavenegar.com/", "https://api.kavenegar.com"),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("http://[::1]:8081", "http://[::1]:8081"),
    ],
)
def test_a_gateway_address_loses_its_last_slash(text: str, expected: str, tmp_path: Path) -> None:
    found = env.read({"PEYGIR_VAR": str(tmp_path), "KAVENEGAR_BASE_URL": text})
    assert found.kavenegar_base_url == expected


def test_a_mail_address_can_only_change_mail_settings(tmp_path: Path) -> None:
    text = "smtp://mail.example.ir:25?EMAIL_TIMEOUT=10&DEBUG=1"
    found = env.read({"PEYGIR_VAR": str(tmp_path), "EMAIL_URL": text})
    assert found.email == {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "mail.example.ir",
        "EMAIL_PORT": 25,
        "EMAIL_TIMEOUT": 10,
    }


@given(st.sampled_from(sorted(env.EXPECTED)), st.text(max_size=30))
def test_no_text_leads_to_any_other_error(name: str, text: str) -> None:
    variables = {"SECRET_KEY": KEY, name: text}
    try:
        env.read(variables)
    except env.BadVariable as problem:
        assert "\n" not in str(problem)  # noqa: PT017  (either outcome is right)


def test_a_relative_folder_counts_from_the_project() -> None:
    assert env.var_folder({"PEYGIR_VAR": "data/var"}) == env.PROJECT_ROOT / "data" / "var"
    assert env.var_folder({}) == env.PROJECT_ROOT / "var"
    assert env.var_folder({"PEYGIR_VAR": "/srv/پیگیر"}) == Path("/srv/پیگیر")


def test_secrets_and_phones_stay_out_of_repr() -> None:
    found = repr(env.read(PRODUCTION | {"ALLOWED_RECIPIENTS": "09121234567"}))
    for hidden in (KEY, "p@ss", "secret@", "09121234567"):
        assert hidden not in found


def test_the_development_key_is_made_once_and_private(tmp_path: Path) -> None:
    first = env.read({"PEYGIR_VAR": str(tmp_path)}).secret_key
    assert env.read({"PEYGIR_VAR": str(tmp_path)}).secret_key == first
    assert len(first) >= env.SHORTEST_KEY
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_processes_that_make_a_secret_at_once_agree_on_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(read_or_create_secret, [tmp_path / "secret"] * 64))
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("url", ["", "mysql://user:hidden@host/peygir"])
def test_a_wrong_variable_ends_the_process_with_one_line(url: str) -> None:
    variables = PRODUCTION | {"DATABASE_URL": url, "PYTHONPATH": str(env.PROJECT_ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", "from config import env; env.load()"],
        env={"PATH": os.environ["PATH"]} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("peygir: DATABASE_URL is ")
    assert ended.stderr.count("\n") == 1
    assert "hidden" not in ended.stderr


def test_dotenv_fills_what_the_environment_leaves_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text('PORT=8001\nPUBLIC_URL="https://a.ir"\n# PEYGIR_ENV=nonsense\n')
    monkeypatch.setattr(env, "PROJECT_ROOT", tmp_path)
    for name in env.EXPECTED:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)  # after setenv, so that what load() adds is taken away again
    monkeypatch.setenv("PORT", "9000")
    found = env.load()
    assert (found.port, found.public_url) == (9000, "https://a.ir")
