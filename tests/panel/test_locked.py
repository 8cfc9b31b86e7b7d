"""What somebody reads on a client's phone without unlocking it, on the client's page and form."""

import datetime as dt
import re

import pytest

from messaging.models import ProviderAccount
from patients.models import Client
from tests import factories
from tests.panel.screens import CLINIC, html_of, text_of
from tests.panel.test_clients import FILE

NOW = factories.NOW
DAY = dt.timedelta(days=1)
LIST = CLINIC + "clients/"


@pytest.fixture
def clinic(clinic):
    type(clinic).objects.filter(pk=clinic.pk).update(
        name="کلینیک روان‌شناسی آرامش", live_since=NOW - 30 * DAY
    )
    clinic.refresh_from_db()
    return clinic


@pytest.fixture
def reminded(clinic, people):
    """A client with a session ahead, of which a reminder will tell."""
    factories.RuleFactory(clinic=clinic)
    factories.TemplateFactory(
        clinic=clinic,
        key="reminder_24h",
        body="{کلینیک}: سلام {خطاب}، {روز} ساعت {ساعت} با {درمانگر} {خدمت} دارید. {پیوند جلسه}",
    )
    type(people["mine"]).objects.filter(pk=people["mine"].pk).update(title="خانم دکتر صادقی")
    people["mine"].refresh_from_db()
    person = people["my_client"]
    factories.SessionFactory(
        clinic=clinic,
        clients=[person],
        therapist=people["mine"],
        service=factories.ServiceFactory(clinic=clinic, name="زوج‌درمانی"),
        starts_at=NOW + 4 * DAY,
        ends_at=NOW + 4 * DAY + dt.timedelta(hours=1),
    )
    return person


def page(client):
    return f"{LIST}{client.pk}/"


def locks_of(response):
    """(sender, words) of each locked phone."""
    found = re.findall(
        r'<div class="lock-app">(.*?)</div><div class="lock-line">(.*?)</div>', html_of(response)
    )
    return [tuple(re.sub(r"<[^>]*>", "", part).strip() for part in lock) for lock in found]


def test_the_next_text_stands_there_as_android_and_iphone_show_it(as_reception, reminded):
    android, iphone = locks_of(as_reception.get(page(reminded)))
    assert android == ("شماره‌ی خط پیامک شما", "کلینیک روان‌شناسی آرامش: سلام خانم کریمی…")
    assert iphone[1].startswith("کلینیک روان‌شناسی آرامش: سلام خانم کریمی، ")
    assert "با خانم دکتر صادقی زوج‌درمانی دارید" in iphone[1]


def test_the_line_of_the_clinics_own_account_stands_over_it(as_reception, clinic, reminded):
    ProviderAccount.objects.create(
        clinic=clinic, sender="10004346", api_key="4B5A3c7d9E01", created_at=NOW
    )
    assert locks_of(as_reception.get(page(reminded)))[0][0] == "10004346"


def test_words_that_tell_too_much_are_named(as_reception, reminded):
    words = text_of(as_reception.get(page(reminded)))
    assert "«روان‌شناسی»، «زوج‌درمانی»" in words or "«روان‌شناسی»" in words


def test_a_discreet_client_has_nothing_telling_on_the_phone(as_reception, reminded):
    Client.objects.filter(pk=reminded.pk).update(discreet=True)
    response = as_reception.get(page(reminded))
    _, iphone = locks_of(response)
    assert iphone[1].startswith("آرامش: سلام خانم کریمی، ")
    assert "با خانم صادقی جلسه دارید" in iphone[1]
    part = re.search(r'id="locked".*?</section>', html_of(response), re.DOTALL)[0]
    assert "notice" not in part


def test_nobodys_key_stands_on_the_locked_phone(as_reception, reminded):
    assert not re.search(r"/s/[a-z2-7]{16}", html_of(as_reception.get(page(reminded))))


def test_with_nothing_to_come_an_example_is_shown(as_reception, clinic, people):
    factories.RuleFactory(clinic=clinic)
    factories.TemplateFactory(clinic=clinic, key="reminder_24h")
    response = as_reception.get(page(people["my_client"]))
    assert "نمونه‌ی یک یادآوری" in text_of(response)
    assert locks_of(response)[0][1].startswith(people["my_client"].addressed)


def test_a_clinic_that_reminds_nobody_shows_no_phone(as_reception, people):
    assert 'id="locked"' not in html_of(as_reception.get(page(people["my_client"])))


def test_of_the_dead_no_phone_is_shown(as_reception, reminded):
    Client.objects.filter(pk=reminded.pk).update(deceased_at=NOW)
    assert 'id="locked"' not in html_of(as_reception.get(page(reminded)))


def test_a_therapist_sees_no_text_about_a_colleagues_session(as_therapist, people, reminded):
    Client.objects.filter(pk=reminded.pk).update(therapist=people["mine"])
    type(people["hers"]).objects.filter(pk=people["hers"].pk).update(title="خانم دکتر نهانی")
    reminded.sessions.update(therapist=people["hers"])
    assert "نهانی" not in html_of(as_therapist.get(page(reminded)))


@pytest.mark.parametrize("path", ["new/", "{}/edit/"])
def test_the_form_shows_a_reminder_both_ways(as_reception, reminded, path):
    response = as_reception.get(LIST + path.format(reminded.pk))
    usual, discreet = locks_of(response)[1::2]
    assert usual[1].startswith("کلینیک روان‌شناسی آرامش: سلام خانم کریمی، ")
    assert "دکتر" in usual[1]
    assert discreet[1].startswith("آرامش: سلام خانم کریمی، ")
    assert "دکتر" not in discreet[1]


@pytest.mark.parametrize("wanted", [True, False])
def test_the_form_keeps_the_wish(as_reception, reminded, wanted):
    Client.objects.filter(pk=reminded.pk).update(discreet=not wanted)
    data = {**FILE, "file_no": reminded.file_no, **({"discreet": "on"} if wanted else {})}
    as_reception.post(page(reminded) + "edit/", data)
    reminded.refresh_from_db()
    assert reminded.discreet is wanted


def test_a_new_file_keeps_the_wish_too(as_reception, clinic):
    as_reception.post(LIST + "new/", {**FILE, "discreet": "on"})
    assert Client.objects.get().discreet


def test_an_outsider_sees_no_phone(as_outsider, reminded):
    for path in (page(reminded), page(reminded).replace(CLINIC, "/c/omid/")):
        assert as_outsider.get(path).status_code == 404
