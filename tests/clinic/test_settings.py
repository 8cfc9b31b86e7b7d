import datetime as dt
import re
from html import unescape

import pytest
from django.urls import reverse

from clinic.models import Room, Service, Therapist
from tests.factories import (
    ClosureFactory,
    MembershipFactory,
    RuleFactory,
    ServiceFactory,
    TemplateFactory,
    TherapistFactory,
)

CLINIC = "/c/aramesh/settings/"
DETAILS = {
    "name": "کلینیک مهر",
    "phone": "۰۲۱-۸۸۰۰۱۱۲۲",
    "address": "تهران، خیابان ولیعصر",
    "quiet_from": "۲۲:۰۰",
    "quiet_to": "8:30",
    "stop_note": "all",
    "late_cancel_hours": "۴۸",
}
SERVICE = {
    "name": "مشاوره",
    "duration_minutes": "۵۰",
    "price_rial": "۸۵۰٬۰۰۰",
    "rhythm_days": "7",
    "lapse_days": "",
}


@pytest.fixture
def as_manager(client, manager):
    client.force_login(manager)
    return client


def text_of(response):
    return unescape(response.content.decode())


def errors_of(response):
    """What stands beside the fields, by field."""
    found = re.findall(r'id="id_(\w+)_error">(.*?)</div></div>', text_of(response), re.DOTALL)
    return {name: re.sub(r"<[^>]*>", "", words).strip() for name, words in found}


# -- Who may ------------------------------------------------------------------------------------

PAGES = [
    ("settings:clinic", None),
    ("settings:therapists", None),
    ("settings:therapist_new", None),
    ("settings:therapist", "therapist"),
    ("settings:therapist_hours", "therapist"),
    ("settings:rooms", None),
    ("settings:room_new", None),
    ("settings:room", "room"),
    ("settings:services", None),
    ("settings:service_new", None),
    ("settings:service", "service"),
    ("settings:closures", None),
    ("settings:closure_new", None),
    ("settings:closure", "closure"),
    ("settings:closure_delete", "closure"),
    ("settings:members", None),
    ("settings:member", "member"),
    ("settings:member_remove", "member"),
    ("settings:invitation_new", None),
    ("texting:gateway", None),
    ("texting:account", "place"),
    ("texting:account_remove", "place"),
    ("texting:rules", None),
    ("texting:rule", "rule"),
    ("texting:wording_new", "rule"),
    ("texting:wording", "wording"),
    ("texting:wording_remove", "wording"),
    ("texting:live", None),
    ("texting:live_stop", None),
    ("texting:pause", None),
]


@pytest.fixture
def rows(clinic):
    return {
        "therapist": TherapistFactory(clinic=clinic),
        "service": ServiceFactory(clinic=clinic),
        "room": Room.objects.create(clinic=clinic, name="اتاق ۱"),
        "closure": ClosureFactory(clinic=clinic),
        "member": MembershipFactory(clinic=clinic),
        "rule": RuleFactory(clinic=clinic),
        "wording": TemplateFactory(clinic=clinic, key="reminder_24h"),
    }


def path_of(name, row, rows):
    about = {"place": "sms", **{kind: found.pk for kind, found in rows.items()}}
    return reverse(name, args=["aramesh", *([about[row]] if row else [])])


@pytest.mark.parametrize(("name", "row"), PAGES, ids=[name for name, _ in PAGES])
def test_settings_open_for_a_manager_and_for_nobody_else(client, clinic, rows, name, row, outsider):
    path = path_of(name, row, rows)
    people = {
        role: MembershipFactory(clinic=clinic, role=role).user
        for role in ("owner", "manager", "receptionist", "therapist")
    }
    seen = {}
    for who, user in {**people, "outsider": outsider}.items():
        client.force_login(user)
        seen[who] = client.get(path).status_code
    client.logout()
    seen["stranger"] = client.get(path).status_code
    assert seen == {
        "owner": 200,
        "manager": 200,
        "receptionist": 403,
        "therapist": 403,
        "outsider": 404,
        "stranger": 302,
    }


ACTS = [
    ("settings:therapist_on", "therapist"),
    ("settings:therapist_off", "therapist"),
    ("settings:therapist_away", "therapist"),
    ("settings:room_on", "room"),
    ("settings:room_off", "room"),
    ("settings:service_on", "service"),
    ("settings:service_off", "service"),
    ("settings:closure_delete", "closure"),
    ("settings:member_remove", "member"),
    ("texting:account_check", "place"),
    ("texting:rule_preview", "rule"),
    ("texting:wording_remove", "wording"),
    ("texting:rule_on", "rule"),
    ("texting:rule_off", "rule"),
    ("texting:live", None),
    ("texting:pause", None),
    ("texting:resume", None),
    ("texting:limit", None),
]


@pytest.mark.parametrize(("name", "row"), ACTS, ids=[name for name, _ in ACTS])
def test_acts_are_refused_to_the_wrong_role_and_hidden_from_an_outsider(
    client, rows, receptionist, outsider, name, row
):
    path = path_of(name, row, rows)
    client.force_login(receptionist)
    refused = client.post(path).status_code
    client.force_login(outsider)
    assert (refused, client.post(path).status_code) == (403, 404)


@pytest.mark.parametrize(
    ("name", "row"), [case for case in PAGES + ACTS if case[1] not in (None, "place")], ids=str
)
def test_a_row_of_another_clinic_is_not_there(as_manager, clinic, other_clinic, name, row):
    theirs = {
        "therapist": TherapistFactory(clinic=other_clinic),
        "service": ServiceFactory(clinic=other_clinic),
        "room": Room.objects.create(clinic=other_clinic, name="اتاق ۱"),
        "closure": ClosureFactory(clinic=other_clinic),
        "member": MembershipFactory(clinic=other_clinic),
        "rule": RuleFactory(clinic=other_clinic),
        "wording": TemplateFactory(clinic=other_clinic, key="reminder_24h"),
    }
    assert as_manager.post(path_of(name, row, theirs)).status_code == 404


def test_the_refusal_says_who_can_help(client, receptionist, clinic):
    client.force_login(receptionist)
    assert "این صفحه برای مالک و مدیران کلینیک است" in text_of(client.get(CLINIC))


# -- The clinic ---------------------------------------------------------------------------------


def test_the_clinics_details_are_saved_as_typed_in_persian(as_manager, clinic):
    as_manager.post(CLINIC, {**DETAILS, "names_on_shared_phones": "on"})
    clinic.refresh_from_db()
    kept = (clinic.name, clinic.phone, clinic.quiet_from, clinic.quiet_to)
    assert kept == ("کلینیک مهر", "۰۲۱-۸۸۰۰۱۱۲۲", dt.time(22), dt.time(8, 30))
    assert clinic.names_on_shared_phones
    assert (clinic.stop_note, clinic.late_cancel_hours) == ("all", 48)


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"name": " "}, "name", "این خانه را پر کنید."),
        ({"quiet_from": "25:00"}, "quiet_from", "این ساعت نیست. این‌طور بنویسید: ۱۷:۳۰."),
        ({"quiet_from": ""}, "quiet_from", "این خانه را پر کنید."),
        (
            {"quiet_from": "08:00", "quiet_to": "09:00"},
            "quiet_from",
            "ساعت‌های سکوت از شب شروع می‌شود و تا صبح روز بعد می‌رود.",
        ),
        (
            {"quiet_from": "17:00", "quiet_to": "09:01"},
            "quiet_to",
            "حداکثر ۱۶ ساعت؛ بقیه‌ی روز برای فرستادن پیام‌ها لازم است.",
        ),
        ({"stop_note": ""}, "stop_note", "این خانه را پر کنید."),
        (
            {"stop_note": "never"},
            "stop_note",
            "یکی از گزینه‌ها را انتخاب کنید؛ «never» در میان آن‌ها نیست.",
        ),
        ({"late_cancel_hours": "۱۶۹"}, "late_cancel_hours", "حداکثر ۱۶۸."),
        ({"late_cancel_hours": "یک روز"}, "late_cancel_hours", "فقط عدد بنویسید."),
    ],
    ids=[
        *("no name", "no time", "empty time", "in the morning", "too long"),
        *("no choice", "unknown choice", "late for a week and an hour", "late in words"),
    ],
)
def test_impossible_details_are_refused_beside_the_field(as_manager, clinic, changed, field, said):
    response = as_manager.post(CLINIC, {**DETAILS, **changed})
    assert errors_of(response) == {field: said}
    clinic.refresh_from_db()
    assert clinic.name == "کلینیک آرامش"


def test_sixteen_quiet_hours_are_allowed(as_manager, clinic):
    as_manager.post(CLINIC, {**DETAILS, "quiet_from": "17:00", "quiet_to": "09:00"})
    clinic.refresh_from_db()
    assert clinic.quiet_from == dt.time(17)


def test_a_refused_form_does_not_rename_the_clinic_in_the_frame(as_manager, clinic):
    response = as_manager.post(CLINIC, {**DETAILS, "quiet_to": "نیمه‌شب"})
    assert '<span class="name">کلینیک آرامش</span>' in text_of(response)


# -- Therapists and services --------------------------------------------------------------------


def test_a_therapist_is_added_with_the_title_that_texts_say(as_manager, clinic):
    form = {"name": "مريم صادقي", "title": "خانم دکتر صادقی"}
    as_manager.post(f"{CLINIC}therapists/new/", form)
    therapist = Therapist.objects.get()
    assert (therapist.name, therapist.spoken, therapist.clinic) == (
        "مریم صادقی",
        "خانم دکتر صادقی",
        clinic,
    )


def test_two_therapists_cannot_have_one_name_however_it_is_typed(as_manager, clinic):
    TherapistFactory(clinic=clinic, name="مریم صادقی")
    response = as_manager.post(f"{CLINIC}therapists/new/", {"name": "مريم  صادقي"})
    assert errors_of(response) == {"name": "درمانگری به همین نام هست؛ نام دیگری بنویسید."}


def test_another_clinic_may_have_a_therapist_of_the_same_name(as_manager, other_clinic):
    TherapistFactory(clinic=other_clinic, name="مریم صادقی")
    as_manager.post(f"{CLINIC}therapists/new/", {"name": "مریم صادقی"})
    assert Therapist.objects.filter(name="مریم صادقی").count() == 2


def test_a_therapist_keeps_their_own_name_when_edited(as_manager, clinic):
    therapist = TherapistFactory(clinic=clinic, name="مریم صادقی", title="")
    form = {"name": "مریم صادقی", "title": "خانم دکتر صادقی"}
    as_manager.post(f"{CLINIC}therapists/{therapist.pk}/", form)
    therapist.refresh_from_db()
    assert therapist.title == "خانم دکتر صادقی"


@pytest.mark.parametrize(
    ("factory", "name"), [(TherapistFactory, "therapists"), (ServiceFactory, "services")]
)
def test_switching_off_offers_the_way_back(as_manager, clinic, factory, name):
    row = factory(clinic=clinic)
    page = as_manager.post(f"{CLINIC}{name}/{row.pk}/off/", follow=True)
    row.refresh_from_db()
    assert not row.active
    undo = re.search(rf'action="([^"]*{name}/{row.pk}/on/)" method="post"', text_of(page))[1]
    as_manager.post(undo)
    row.refresh_from_db()
    assert row.active


def test_a_service_is_priced_in_toman_and_kept_in_rial(as_manager, clinic):
    as_manager.post(f"{CLINIC}services/new/", SERVICE)
    service = Service.objects.get()
    assert (service.duration_minutes, service.price_rial, service.rhythm_days) == (50, 8_500_000, 7)
    assert service.lapse_days is None
    page = text_of(as_manager.get(f"{CLINIC}services/{service.pk}/"))
    assert 'value="۸۵۰٬۰۰۰"' in page


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"duration_minutes": "۴"}, {"duration_minutes": "دست‌کم باید ۵ باشد."}),
        ({"duration_minutes": "یک ساعت"}, {"duration_minutes": "فقط عدد بنویسید."}),
        ({"price_rial": "-1"}, {"price_rial": "دست‌کم باید ۰ باشد."}),
        ({"rhythm_days": "0"}, {"rhythm_days": "دست‌کم باید ۱ باشد."}),
        ({"lapse_days": "۷۳۱"}, {"lapse_days": "حداکثر ۷۳۰."}),
    ],
    ids=["too short", "words", "a debt", "no rhythm", "two years"],
)
def test_an_impossible_service_is_refused(as_manager, changed, errors):
    response = as_manager.post(f"{CLINIC}services/new/", {**SERVICE, **changed})
    assert errors_of(response) == errors
    assert not Service.objects.exists()


@pytest.mark.parametrize("rows_there", [1, 30])
@pytest.mark.parametrize(
    ("page", "make", "queries"),
    [
        ("therapists/", TherapistFactory, 12),
        ("services/", ServiceFactory, 12),
        ("members/", MembershipFactory, 13),
        ("texts/", RuleFactory, 13),
    ],
    ids=["therapists", "services", "members", "texts"],
)
def test_lists_ask_the_same_queries_for_one_row_and_for_thirty(
    as_manager, clinic, django_assert_num_queries, page, make, queries, rows_there
):
    for n in range(rows_there):
        make(clinic=clinic, **({"key": f"rule-{n}"} if make is RuleFactory else {}))
    with django_assert_num_queries(queries):
        assert as_manager.get(CLINIC + page).status_code == 200


@pytest.mark.parametrize(
    ("page", "first_step"),
    [("therapists/", "therapists/new/"), ("services/", "services/new/")],
)
def test_an_empty_list_offers_the_first_step(as_manager, page, first_step):
    shown = text_of(as_manager.get(CLINIC + page))
    assert f'<a class="btn btn-primary" href="{CLINIC}{first_step}">' in shown
    assert 'class="empty-state"' in shown


# -- The frame ----------------------------------------------------------------------------------


def test_trial_mode_is_said_on_every_page_and_only_then(as_manager, clinic, now):
    said = "پیگیر در حالت آزمایشی است؛ هیچ پیامی فرستاده نمی‌شود."
    before = said in text_of(as_manager.get(CLINIC))
    type(clinic).objects.update(live_since=now)
    assert (before, said in text_of(as_manager.get(CLINIC))) == (True, False)


def test_the_frame_has_no_inline_script_or_style(as_manager):
    page = as_manager.get(CLINIC).content.decode()
    assert not re.search(r"<script(?![^>]* src=)|\sstyle=|\son\w+=|hx-on", page)
    assert "'self'" in as_manager.get(CLINIC)["Content-Security-Policy"]
    assert "unsafe" not in as_manager.get(CLINIC)["Content-Security-Policy"]


def test_the_frame_marks_where_one_is(as_manager):
    page = text_of(as_manager.get(f"{CLINIC}therapists/"))
    assert re.findall(r'href="([^"]+)" aria-current="page"', page) == [
        CLINIC,  # in the sidebar: settings
        f"{CLINIC}therapists/",
        CLINIC,  # in the bar of a phone
    ]
