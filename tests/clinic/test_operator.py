"""The operator's admin: who gets in, under which hat, and what it never shows."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.db import connection
from django.test import Client

from clinic.admin import ClinicAdmin
from clinic.models import Clinic, Membership, User
from tests.factories import ClientFactory, ClinicFactory, MembershipFactory, UserFactory

INDEX = "/operator/"
CLINICS = "/operator/clinic/clinic/"
PEOPLE = "/operator/clinic/user/"
ROOMS = {"patients", "sessions_app", "messaging", "followup"}


def browser(user=None):
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def with_second_factor(user):
    TOTP.activate(user, generate_totp_secret())
    return user


@pytest.fixture
def operator(owner):
    return with_second_factor(UserFactory(is_staff=True, is_superuser=True))


@pytest.mark.parametrize("path", [INDEX, CLINICS, PEOPLE, "/operator/login/"])
def test_a_stranger_is_led_to_sign_in(owner, path):
    response = browser().get(path)
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/?next=/operator/")


@pytest.mark.parametrize("path", [INDEX, CLINICS, PEOPLE])
def test_staff_without_a_second_factor_is_led_to_set_one_up(owner, path):
    client = browser(UserFactory(is_staff=True, is_superuser=True))
    response = client.get(path, follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/2fa/"
    assert response.status_code == 200


@pytest.mark.parametrize("path", [INDEX, CLINICS, PEOPLE, "/operator/login/"])
@pytest.mark.parametrize("second_factor", [False, True])
def test_a_clinics_owner_does_not_find_it(owner, path, second_factor):
    person = MembershipFactory(role="owner").user
    if second_factor:
        with_second_factor(person)
    assert browser(person).get(path).status_code == 404


def test_an_operator_who_was_switched_off_is_out(operator):
    client = browser(operator)
    User.objects.filter(pk=operator.pk).update(is_active=False)
    assert client.get(INDEX).status_code == 302


def test_an_operator_who_gives_up_the_second_factor_is_out(operator):
    client = browser(operator)
    assert client.get(INDEX).status_code == 200
    operator.authenticator_set.all().delete()
    assert client.get(INDEX).url == "/accounts/2fa/"


def test_the_operator_sees_all_clinics_and_people(operator, clinic, other_clinic):
    client = browser(operator)
    clinics = client.get(CLINICS).content.decode()
    assert clinic.name in clinics
    assert other_clinic.name in clinics
    member = MembershipFactory(clinic=other_clinic).user
    assert member.email in client.get(PEOPLE).content.decode()
    change = client.get(f"{CLINICS}{other_clinic.pk}/change/").content.decode()
    assert member.full_name in change


def test_queries_and_templates_run_under_the_operators_hat(operator, clinic, monkeypatch):
    seen = []

    def look(*_):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            seen.extend(cursor.fetchone())
        return "—"

    monkeypatch.setattr(ClinicAdmin, "list_display", ("name", look))  # called by the template
    assert browser(operator).get(CLINICS).status_code == 200
    assert seen == ["app_operator"]


def test_the_operator_changes_a_clinic(operator, clinic, other_clinic):
    client = browser(operator)
    page = client.get(f"{CLINICS}{clinic.pk}/change/")
    form = page.context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    values = {name: value for name, value in values.items() if value not in (None, False)}
    inline = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    response = client.post(page.request["PATH_INFO"], values | inline | {"name": "کلینیک مهر"})
    assert response.status_code == 302
    assert Clinic.objects.get(pk=clinic.pk).name == "کلینیک مهر"
    assert Clinic.objects.get(pk=other_clinic.pk).name == other_clinic.name


@pytest.mark.parametrize("path", [f"{CLINICS}add/", "{clinic}delete/", "{person}delete/"])
def test_clinics_are_not_made_and_nothing_is_deleted_here(operator, clinic, path):
    # A person's name stands in the history of clinics: they are switched off, not deleted.
    person = MembershipFactory(clinic=clinic).user
    places = {"clinic": f"{CLINICS}{clinic.pk}/", "person": f"{PEOPLE}{person.pk}/"}
    client = browser(operator)
    assert client.get(path.format(**places)).status_code == 403
    assert client.post(path.format(**places), {"post": "yes"}).status_code == 403
    assert Membership.objects.filter(user=person).exists()


def test_people_are_not_deleted_by_the_dozen_either(operator):
    person = UserFactory()
    chosen = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
    browser(operator).post(PEOPLE, chosen)
    assert User.objects.filter(pk=person.pk).exists()


def test_nothing_of_a_clinics_work_is_registered():
    assert {model._meta.app_label for model in admin.site._registry}.isdisjoint(ROOMS)


def test_no_page_shows_a_client(operator, clinic):
    ClientFactory(clinic=clinic, last_name="قناری", phone="+989121110001")
    client = browser(operator)
    pages = [INDEX, CLINICS, PEOPLE, f"{CLINICS}{clinic.pk}/change/", f"{CLINICS}?q=قناری"]
    pages += [f"{CLINICS}{clinic.pk}/history/", f"{PEOPLE}{operator.pk}/change/"]
    for page in pages:
        response = client.get(page)
        assert response.status_code == 200, page
        assert "قناری" not in response.content.decode().replace("?q=قناری", "").replace(
            'value="قناری"', ""
        ), page


def test_a_new_person_gets_a_date(operator, now):
    values = {"email": "new@example.ir", "full_name": "تازه", "usable_password": "true"}
    password = {"password1": "a long enough password", "password2": "a long enough password"}
    response = browser(operator).post(f"{PEOPLE}add/", values | password)
    assert response.status_code == 302
    assert User.objects.get(email="new@example.ir").date_joined is not None


def test_two_clinics_of_the_same_name_are_told_apart(operator):
    ClinicFactory(name="آرامش", slug="aramesh-1")
    ClinicFactory(name="آرامش", slug="aramesh-2")
    page = browser(operator).get(CLINICS).content.decode()
    assert "aramesh-1" in page
    assert "aramesh-2" in page
