"""The emergency text on its way: at night, over a hold, a mute and a refusal."""

import pytest

from clinic.tenancy import Hat, wear
from messaging import emergency
from messaging.models import Message
from patients import care
from tests.followup.clinics import tehran
from tests.followup.practice import practice, send_at


@pytest.fixture
def place(owner, gateway):
    return practice("reminder_24h")


def ask(place, at):
    with wear(Hat.WEB, clinic_id=place.clinic.pk):
        return emergency.send(place.client, now=tehran(at), by=None)[0]


@pytest.mark.parametrize("at", ["2026-11-21 10:00", "2026-11-21 02:30", "2026-11-27 12:00"])
def test_it_leaves_at_once_by_day_by_night_and_on_a_holiday(place, at):
    ask(place, at)
    assert send_at(at)["sent"] == 1
    assert "123" in Message.objects.get().text


@pytest.mark.parametrize("hold", [care.hold_for_crisis, care.mute])
def test_it_leaves_over_a_hold(place, hold):
    place.do(hold, place.client, at="2026-11-21 10:00")
    ask(place, "2026-11-21 10:01")
    assert send_at("2026-11-21 10:01")["sent"] == 1


def test_it_does_not_leave_to_whoever_died_meanwhile(place):
    ask(place, "2026-11-21 10:00")
    place.do(care.record_death, place.client, at="2026-11-21 10:01")
    send_at("2026-11-21 10:02")
    assert place.texts() == [("cancelled", "deceased")]


def test_too_late_it_stays(place):
    ask(place, "2026-11-21 10:00")
    send_at("2026-11-21 12:01")
    assert place.texts() == [("missed", "too_late")]
