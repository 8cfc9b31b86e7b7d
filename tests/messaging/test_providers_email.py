"""Letters: what they look like, what became of each, and what their bounces tell."""

import email
import email.policy
from contextlib import suppress
from dataclasses import replace

import pytest
from django.core import mail
from django.test import override_settings
from hypothesis import given, settings as effort, strategies as st

from messaging.providers import get_provider
from messaging.providers.base import (
    AccountRefused,
    DeliveryStatus,
    MessageRefused,
    News,
    NotAccepted,
    OutcomeUnknown,
    OutgoingText,
    ProviderError,
    Reason,
    Receipt,
)
from messaging.providers.email_bounces import heard
from messaging.providers.email_tags import tag, tagged
from sandbox.testing import running_mail
from tests.messaging.bounces import bounce

SMTP = "django.core.mail.backends.smtp.EmailBackend"
STOP = "https://peygir.example.ir/u/abcdefghijklmnop-7/"
TEXT = OutgoingText(
    7_000_001,
    "somebody@example.org",
    "سلام خانم <رضایی>\nجلسه‌ی شما فرداست: https://peygir.example.ir/s/abc?a=1&b=2.\n\nروزتان خوش",
    sender_name="کلینیک آرامش",
    stop_url=STOP,
)


@pytest.fixture(autouse=True)
def installation(settings):
    settings.DEFAULT_FROM_EMAIL = "Peygir <no-reply@example.ir>"


def letter(text=TEXT):
    """The letter as its reader gets it."""
    get_provider("email").send([text])
    return email.message_from_bytes(
        mail.outbox[-1].message().as_bytes(), policy=email.policy.default
    )


# What it looks like


def test_its_head_says_whose_it_is_and_nothing_of_what_it_is_about():
    head = letter()

    assert head["Subject"] == "پیامی از کلینیک آرامش"
    assert head["From"].addresses[0].display_name == "کلینیک آرامش"
    assert head["From"].addresses[0].addr_spec == "no-reply@example.ir"
    assert head["To"] == "somebody@example.org"
    assert head["Auto-Submitted"] == "auto-generated"


def test_one_click_stops_it():
    head = letter()

    assert head["List-Unsubscribe"] == f"<{STOP}>"
    assert head["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_without_an_address_to_stop_it_nothing_promises_one():
    head = letter(replace(TEXT, stop_url=""))

    assert head["List-Unsubscribe"] is head["List-Unsubscribe-Post"] is None
    assert "نمی‌خواه" not in head.get_body(("html",)).get_content()
    assert head.get_body(("plain",)).get_content().strip() == TEXT.text


def test_a_copy_is_recognised_by_its_message_id():
    assert letter()["Message-ID"] == letter()["Message-ID"] == f"<{tag(7_000_001)}@example.ir>"
    assert letter(replace(TEXT, local_id=2))["Message-ID"] != letter()["Message-ID"]


def test_its_plain_words_are_ours_with_the_way_to_stop():
    words = letter().get_body(("plain",)).get_content()

    assert words.startswith(TEXT.text)
    assert words.rstrip().endswith(STOP)


def test_its_page_is_persian_escaped_linked_and_loads_nothing():
    page = letter().get_body(("html",)).get_content()

    assert '<html lang="fa" dir="rtl">' in page
    assert "&lt;رضایی&gt;" in page
    assert 'href="https://peygir.example.ir/s/abc?a=1&amp;b=2"' in page
    assert f'href="{STOP}"' in page
    for loading in ("<img", "<script", "<link", "url(", "src="):
        assert loading not in page


def test_a_clinics_name_cannot_write_a_head_of_its_own():
    head = letter(replace(TEXT, sender_name="آرامش\r\nBcc: <other@example.org>"))

    assert head["Bcc"] is None
    assert [address.addr_spec for address in head["From"].addresses] == ["no-reply@example.ir"]


def test_its_envelope_names_the_letter_where_bounces_have_a_mailbox(settings):
    letter()
    assert mail.outbox[-1].from_email == "Peygir <no-reply@example.ir>"

    settings.BOUNCE_ADDRESS = "bounces@mail.example.ir"
    letter()
    assert mail.outbox[-1].from_email == f"bounces+{tag(7_000_001)}@mail.example.ir"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (replace(TEXT, receptor="nobody"), Reason.BAD_RECEPTOR),
        (replace(TEXT, receptor=""), Reason.BAD_RECEPTOR),
        (replace(TEXT, receptor="a@example.org\nBcc: b@example.org"), Reason.BAD_RECEPTOR),
        (replace(TEXT, receptor="a@example.org, b@example.org"), Reason.BAD_RECEPTOR),
        (replace(TEXT, text=" "), Reason.BAD_TEXT),
        (replace(TEXT, text="\ud800"), Reason.BAD_TEXT),
    ],
)
def test_what_cannot_be_written_is_refused(text, reason):
    with pytest.raises(MessageRefused) as caught:
        get_provider("email").send([text])

    assert caught.value.reason is reason
    assert mail.outbox == []


@effort(max_examples=60, deadline=None)
@given(words=st.text(min_size=1, max_size=80), name=st.text(max_size=30))
def test_any_words_make_a_letter_or_are_refused(words, name):
    with suppress(MessageRefused):
        get_provider("email").send([replace(TEXT, text=words, sender_name=name)])


# What became of it


@pytest.fixture
def office():
    with running_mail() as (office, port):
        office.port = port
        yield office


def by_smtp(port, **more):
    server = {"EMAIL_BACKEND": SMTP, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": port, **more}
    with override_settings(**server):
        return get_provider("email")


def test_a_letter_is_taken_by_the_mail_server(office, settings):
    settings.BOUNCE_ADDRESS = "bounces@example.ir"

    (accepted,) = by_smtp(office.port).send([TEXT])

    (taken,) = office.letters
    assert accepted.provider_id == tag(7_000_001)
    assert taken.receptor == "somebody@example.org"
    assert taken.sender == f"bounces+{tag(7_000_001)}@example.ir"
    assert taken.parsed()["Subject"] == "پیامی از کلینیک آرامش"


@pytest.mark.parametrize(
    ("mode", "kind", "code"),
    [
        ("busy", NotAccepted, 421),
        ("greylist", NotAccepted, 451),
        ("drop_at_rcpt", NotAccepted, None),
        ("later_letter", NotAccepted, 452),
        ("no_mailbox", MessageRefused, 550),
        ("refuse_letter", MessageRefused, 554),
        ("bad_login", AccountRefused, 535),
        ("bad_sender", AccountRefused, 553),
        ("drop", OutcomeUnknown, None),
        ("drop_in_letter", OutcomeUnknown, None),
    ],
)
def test_each_stage_of_the_talk_has_its_outcome(office, mode, kind, code):
    office.fail_next(mode)
    provider = by_smtp(office.port, EMAIL_HOST_USER="peygir", EMAIL_HOST_PASSWORD="canary")

    with pytest.raises(ProviderError) as caught:
        provider.send([TEXT])

    error = caught.value
    assert (type(error), error.code, error.__context__) == (kind, code, None)
    assert len(office.letters) == (mode == "drop")


def test_who_must_sign_in_and_does_not_has_an_account_to_mend(office):
    office.fail_next("bad_login")

    with pytest.raises(AccountRefused) as caught:
        by_smtp(office.port, EMAIL_HOST_USER="", EMAIL_HOST_PASSWORD="").send([TEXT])

    assert caught.value.code == 530


def test_a_server_without_tls_is_not_spoken_to_where_tls_is_asked_for(office):
    with pytest.raises(AccountRefused):
        by_smtp(office.port, EMAIL_USE_TLS=True).send([TEXT])

    assert office.letters == []


def test_the_account_is_the_servers_welcome(office):
    provider = by_smtp(office.port, EMAIL_HOST_USER="peygir", EMAIL_HOST_PASSWORD="canary")
    assert provider.account().credit_rial is None
    office.fail_next("bad_login")
    with pytest.raises(AccountRefused):
        provider.account()


@pytest.mark.parametrize(
    ("backend", "host", "port", "stays"),
    [
        ("console", "mail.example", 25, True),
        ("filebased", "mail.example", 25, True),
        ("smtp", "127.0.0.1", 2525, True),
        ("smtp", "::1", 2525, True),
        ("smtp", "127.0.0.1", 25, False),
        ("smtp", "localhost", 587, False),
    ],
)
def test_what_stays_on_this_machine_is_known(backend, host, port, stays):
    given = {"EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend"}
    with override_settings(**given, EMAIL_HOST=host, EMAIL_PORT=port):
        assert get_provider("email").is_loopback is stays


# What comes back


def told(*args, **fields):
    return heard(bounce(*args, **fields)).receipts


@pytest.mark.parametrize(
    ("action", "status", "meaning"),
    [
        ("failed", "5.1.1", DeliveryStatus.FAILED),
        ("Failed", "5.7.26", DeliveryStatus.FAILED),
        ("failed", "4.4.7", DeliveryStatus.UNDELIVERED),
        ("delivered", "2.0.0", DeliveryStatus.DELIVERED),
    ],
)
def test_a_final_word_is_told_of_our_letter(action, status, meaning):
    assert told(7, action=action, status=status) == (Receipt(tag(7), meaning, 7, status),)


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", "", "nonsense"])
def test_what_is_not_final_says_nothing(action):
    assert told(7, action=action, status="4.4.1") == ()


def test_a_mark_in_the_bounce_address_is_enough():
    stripped = bounce(7, mark="other-id").replace(
        b"To: bounces@", b"To: bounces+" + tag(7).upper().encode() + b"@", 1
    )

    assert [receipt.local_id for receipt in heard(stripped).receipts] == [7]


@pytest.mark.parametrize(
    "mark",
    [
        "peygir.7.aaaaaaaaaaaaaaaa",
        tag(7).replace(".7.", ".8."),
        tag(7)[:-1],
        tag(7) + "a",
        f"{tag(7)}@x> <{tag(8)}",
    ],
    ids=["made up", "another's", "cut", "longer", "two"],
)
def test_a_mark_that_is_not_one_of_ours_says_nothing(mark):
    assert told(7, mark=mark) == ()


def test_an_answer_that_quotes_a_letter_is_no_bounce():
    assert heard(f"In-Reply-To: <{tag(7)}@example.ir>\r\n\r\nAction: failed".encode()) == News()


def test_a_mark_is_an_installations_own(settings):
    ours = tag(7)
    settings.SECRET_KEY = "another installation's key"
    assert tagged(ours.encode()) is None


@effort(max_examples=200)
@given(cut=st.integers(0, 1200), junk=st.binary(max_size=60))
def test_a_damaged_bounce_is_no_error_and_no_other_letters(cut, junk):
    whole = bounce(7)

    news = heard(whole[:cut] + junk + whole[cut:])

    assert {receipt.local_id for receipt in news.receipts} <= {7}


@effort(max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_are_no_news(body):
    assert heard(body) == News()


def test_a_letter_within_a_letter_within_a_letter_is_no_error():
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 5000 + tag(7).encode()
    assert heard(nested) == News()
