import datetime as dt
import re
import time
from html import unescape

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from clinic.models import Membership
from tests.factories import MembershipFactory, UserFactory

PASSWORD = "a long enough password"
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _no_attempts_yet():
    cache.clear()


def sign_in(client, email, password=PASSWORD, **extra):
    return client.post(LOGIN, {"login": email, "password": password, **extra})


def text_of(response):
    return unescape(response.content.decode())


def test_the_door_leads_a_stranger_to_the_sign_in(client, db):
    response = client.get("/")
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/")


def test_sign_in_ignores_the_case_of_the_email(client, clinic):
    user = MembershipFactory(clinic=clinic, user=UserFactory(email="sara@example.ir")).user
    sign_in(client, "Sara@Example.IR")
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_wrong_password_is_explained_without_telling_which_was_wrong(client, receptionist):
    known = sign_in(client, receptionist.email, "wrong")
    unknown = sign_in(client, "nobody@example.ir", "wrong")
    said = "ایمیل یا گذرواژه درست نیست. دوباره امتحان کنید."
    assert said in text_of(known)
    assert said in text_of(unknown)


def test_five_wrong_passwords_close_the_account_for_a_while(client, receptionist):
    for _ in range(5):
        sign_in(client, receptionist.email, "wrong")
    response = sign_in(client, receptionist.email)
    assert "پنج دقیقه صبر کنید" in text_of(response)
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(("remember", "lasts"), [("on", True), ("", False)], ids=["kept", "not"])
def test_the_session_outlives_the_browser_only_when_asked(client, receptionist, remember, lasts):
    sign_in(client, receptionist.email, remember=remember)
    assert client.session.get_expire_at_browser_close() is not lasts


def test_nobody_signs_up_by_themselves(client, db):
    form = {"email": "new@example.ir", "password1": PASSWORD, "password2": PASSWORD}
    assert "حساب فقط با دعوت ساخته می‌شود" in text_of(client.post("/accounts/signup/", form))


def test_home_opens_the_only_clinic(client, receptionist):
    client.force_login(receptionist)
    assert client.get("/")["Location"] == "/c/aramesh/"


def test_home_asks_which_of_several_clinics(client, receptionist, other_clinic):
    MembershipFactory(clinic=other_clinic, user=receptionist, role="manager")
    client.force_login(receptionist)
    assert client.get("/")["Location"] == "/clinics/"


def test_the_switcher_lists_exactly_the_persons_clinics(client, receptionist, other_clinic):
    client.force_login(receptionist)
    page = text_of(client.get("/clinics/"))
    assert ("کلینیک آرامش" in page, "کلینیک امید" in page) == (True, False)


@pytest.mark.parametrize("others", [0, 30])
def test_the_switcher_asks_the_same_queries_for_any_number_of_clinics(
    client, receptionist, others, django_assert_num_queries
):
    for _ in range(others):
        MembershipFactory(user=receptionist)
    client.force_login(receptionist)
    # hat in, web session, person, hat of the person, memberships, hat out; and the savepoint
    with django_assert_num_queries(8):
        client.get("/clinics/")


def test_a_person_of_no_clinic_is_told_how_to_get_in(client, owner):
    person = UserFactory(email="alone@example.ir")
    client.force_login(person)
    assert "هنوز در هیچ کلینیکی نیستید" in text_of(client.get("/clinics/"))


def test_a_removed_member_loses_the_clinic_at_once(client, receptionist):
    client.force_login(receptionist)
    assert client.get("/c/aramesh/settings/").status_code == 403
    Membership.objects.filter(user=receptionist).delete()
    assert client.get("/c/aramesh/settings/").status_code == 404


def test_a_forgotten_password_is_replaced_by_a_mailed_link(client, receptionist):
    client.post("/accounts/password/reset/", {"email": receptionist.email})
    letter = mail.outbox[0]
    assert letter.subject == "گذرواژه‌ی تازه برای پیگیر"
    assert letter.alternatives[0].mimetype == "text/html"
    link = re.search(r"https?://[^/]+(/\S+)", letter.body)[1]
    ((form_page, _),) = client.get(link, follow=True).redirect_chain
    client.post(form_page, {"password1": "eight blue horses", "password2": "eight blue horses"})
    assert sign_in(client, receptionist.email, "eight blue horses").status_code == 302


def test_the_reset_link_leads_to_the_public_address_whatever_host_was_asked(
    client, receptionist, settings
):
    settings.PUBLIC_URL = "https://panel.example.ir"
    settings.ALLOWED_HOSTS = ["*"]
    client.post(
        "/accounts/password/reset/", {"email": receptionist.email}, HTTP_HOST="evil.example.com"
    )
    assert "https://panel.example.ir/accounts/password/reset/key/" in mail.outbox[0].body
    assert "evil" not in mail.outbox[0].body


def test_no_letter_goes_to_an_unknown_address_and_the_answer_is_the_same(client, receptionist):
    known = client.post("/accounts/password/reset/", {"email": receptionist.email})
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@example.ir"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(mail.outbox) == 1


def test_a_used_reset_link_says_what_to_do(client, db):
    page = text_of(client.get("/accounts/password/reset/key/1-nonsense/"))
    assert "این پیوند دیگر کار نمی‌کند" in page


def test_a_password_is_changed_only_with_the_present_one(client, receptionist):
    client.force_login(receptionist)
    new = {"password1": "eight blue horses", "password2": "eight blue horses"}
    page = client.post("/accounts/password/change/", {"oldpassword": "wrong", **new})
    assert "گذرواژه‌ی کنونی شما این نیست؛ دوباره بنویسید." in text_of(page)
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, **new})
    receptionist.refresh_from_db()
    assert receptionist.check_password("eight blue horses")


def test_the_second_step_takes_persian_digits(client, receptionist):
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(receptionist, secret)
    assert sign_in(client, receptionist.email)["Location"] == "/accounts/2fa/authenticate/"
    # The clock stands still: a code that is half a minute old is refused.
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False):
        code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
        persian = code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
        client.post("/accounts/2fa/authenticate/", {"code": f"{persian[:3]} {persian[3:]}"})
    assert client.session["_auth_user_id"] == str(receptionist.pk)


def test_the_secret_of_the_second_step_is_not_readable_in_the_database(receptionist):
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(receptionist, secret)
    kept = Authenticator.objects.get(user=receptionist).data["secret"]
    assert secret not in kept
    assert len(kept) > len(secret)


@pytest.mark.parametrize(
    ("header", "cookie", "direction"),
    [("en-US,en", None, "rtl"), ("fa", "en", "ltr"), ("en", "xx", "rtl")],
    ids=["an English browser", "English chosen", "a language we have not"],
)
def test_the_language_is_chosen_by_the_person_and_not_by_the_browser(
    client, db, header, cookie, direction
):
    if cookie:
        client.cookies["django_language"] = cookie
    page = client.get(LOGIN, HTTP_ACCEPT_LANGUAGE=header).content.decode()
    assert f'dir="{direction}"' in page


@pytest.mark.parametrize(
    "path",
    [
        reverse("account_login"),
        reverse("account_reset_password"),
        reverse("account_reset_password_done"),
        reverse("account_reset_password_from_key_done"),
        reverse("account_signup"),
        reverse("account_inactive"),
    ],
)
def test_pages_before_the_door_are_persian_and_without_inline_script_or_style(client, db, path):
    page = client.get(path).content.decode()
    assert 'lang="fa" dir="rtl"' in page
    assert not re.search(r"<script(?![^>]* src=)|\sstyle=|\son\w+=", page)
