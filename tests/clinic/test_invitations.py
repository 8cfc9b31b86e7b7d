import datetime as dt
import re
from html import unescape

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.utils import timezone

from clinic import directory, invitations, members
from clinic.models import Directory, Invitation, Membership, User
from clinic.tenancy import Hat, wear
from tests.factories import MembershipFactory, TherapistFactory, UserFactory

NEW = "/c/aramesh/settings/invitations/new/"
MEMBERS = "/c/aramesh/settings/members/"
PASSWORDS = {"password1": "eight blue horses", "password2": "eight blue horses"}


@pytest.fixture
def boss(clinic):
    return MembershipFactory(clinic=clinic, role="owner").user


@pytest.fixture
def as_boss(client, boss):
    client.force_login(boss)
    return client


def invited(clinic, email="sara@example.ir", role="receptionist", **options):
    """The path of a fresh invitation's link."""
    options.setdefault("now", timezone.now())
    with wear(Hat.WEB, clinic_id=clinic.pk):
        link = invitations.invite(email, role, **options).link
    return link.removeprefix("http://127.0.0.1:8000").removeprefix("http://localhost:8000")


def text_of(response):
    return unescape(response.content.decode())


def role_in(clinic, email):
    return Membership.objects.filter(clinic=clinic, user__email=email).values_list(
        "role", flat=True
    )


# -- Inviting ----------------------------------------------------------------------------------


def test_an_invitation_is_mailed_and_its_link_shown_once(as_boss, clinic):
    page = text_of(as_boss.post(NEW, {"email": "Sara@Example.ir", "role": "receptionist"}))
    letter = mail.outbox[0]
    link = re.search(r"https?://\S+", letter.body)[0]
    assert letter.to == ["sara@example.ir"]
    assert letter.subject == "دعوت کلینیک آرامش به پیگیر"
    assert link in letter.alternatives[0].content
    assert f'value="{link}"' in page
    assert link not in text_of(as_boss.get(MEMBERS))


def test_the_database_keeps_the_tokens_hash_and_not_the_token(clinic):
    token = invited(clinic).split("/")[-2]
    kept = Invitation.objects.get()
    assert kept.token_hash == directory.token_hash(token)
    assert not [f for f in Invitation._meta.fields if token in str(getattr(kept, f.name))]
    assert Directory.objects.get().token_hash == kept.token_hash


def test_a_dead_mail_server_leaves_the_link_to_hand_over(as_boss, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    page = text_of(as_boss.post(NEW, {"email": "sara@example.ir", "role": "receptionist"}))
    assert "پیوند را خودتان برسانید" in page
    assert 'id="invitation-link"' in page


def test_inviting_again_replaces_the_open_invitation(as_boss, clinic, client):
    first = invited(clinic)
    as_boss.post(NEW, {"email": "sara@example.ir", "role": "manager"})
    as_boss.logout()
    assert Invitation.objects.filter(revoked_at=None).get().role == "manager"
    assert client.get(first).status_code == 410


def test_a_member_is_not_invited_twice(as_boss, clinic):
    MembershipFactory(clinic=clinic, user=UserFactory(email="sara@example.ir"))
    page = text_of(as_boss.post(NEW, {"email": "sara@example.ir", "role": "manager"}))
    assert "این فرد از پیش عضو کلینیک است." in page
    assert not Invitation.objects.exists()


def test_a_therapists_login_needs_its_therapist(as_boss, clinic):
    page = text_of(as_boss.post(NEW, {"email": "sara@example.ir", "role": "therapist"}))
    assert "درمانگری را که این حساب برای اوست انتخاب کنید." in page


def test_another_clinics_therapist_cannot_be_chosen(as_boss, other_clinic):
    stranger = TherapistFactory(clinic=other_clinic)
    form = {"email": "sara@example.ir", "role": "therapist", "therapist": stranger.pk}
    as_boss.post(NEW, form)
    assert not Invitation.objects.exists()


def test_a_manager_cannot_make_an_owner(client, manager):
    client.force_login(manager)
    client.post(NEW, {"email": "sara@example.ir", "role": "owner"})
    assert not Invitation.objects.exists()


# -- Coming in ---------------------------------------------------------------------------------


def test_a_new_person_sets_a_name_and_password_and_is_in(client, clinic):
    path = invited(clinic)
    assert "به کلینیک آرامش خوش آمدید" in text_of(client.get(path))
    response = client.post(path, {"full_name": "سارا كريمي", **PASSWORDS})
    user = User.objects.get(email="sara@example.ir")
    assert response["Location"] == "/c/aramesh/"
    assert (user.full_name, user.check_password("eight blue horses")) == ("سارا کریمی", True)
    assert list(role_in(clinic, "sara@example.ir")) == ["receptionist"]
    assert EmailAddress.objects.get(user=user).verified
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_therapist_comes_in_as_that_therapist(client, clinic):
    therapist = TherapistFactory(clinic=clinic)
    path = invited(clinic, role="therapist", therapist=therapist)
    client.post(path, {"full_name": "سارا", **PASSWORDS})
    assert Membership.objects.get(user__email="sara@example.ir").therapist == therapist


def test_the_owners_link_says_welcome_and_makes_an_owner(client, clinic):
    path = invited(clinic, role="owner")
    assert path.startswith("/welcome/")
    client.post(path, {"full_name": "سارا", **PASSWORDS})
    assert list(role_in(clinic, "sara@example.ir")) == ["owner"]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("eight blue horses", "eight blue cows", "دو گذرواژه یکی نیستند."),
        ("short", "short", "گذرواژه کوتاه است؛ دست‌کم ۱۰ نویسه لازم است."),
        ("۷۳۹۱۸۲۶۴۵۰۵", "۷۳۹۱۸۲۶۴۵۰۵", "گذرواژه نباید فقط عدد باشد."),
    ],
    ids=["different", "too short", "only digits, Persian ones"],
)
def test_a_weak_or_mistyped_password_is_refused_beside_its_field(
    client, clinic, first, second, said
):
    form = {"full_name": "سارا", "password1": first, "password2": second}
    page = client.post(invited(clinic), form)
    errors = re.findall(r'id="id_password[12]_error".*?</div>', text_of(page), re.DOTALL)
    assert any(said in error for error in errors)
    assert not User.objects.filter(email="sara@example.ir").exists()


def test_an_existing_user_signs_in_and_joins(client, clinic):
    user = UserFactory(email="sara@example.ir")
    path = invited(clinic)
    page = text_of(client.get(path))
    assert f"/accounts/login/?next={path}" in page
    client.post(path, {"full_name": "دزد", **PASSWORDS})
    user.refresh_from_db()
    assert user.check_password("a long enough password")
    client.force_login(user)
    assert client.get(path).status_code == 200
    assert not role_in(clinic, "sara@example.ir")
    assert client.post(path)["Location"] == "/c/aramesh/"
    assert list(role_in(clinic, "sara@example.ir")) == ["receptionist"]


def test_an_invitation_is_not_for_whoever_happens_to_be_signed_in(client, clinic, outsider):
    path = invited(clinic)
    client.force_login(outsider)
    assert "این دعوت برای کس دیگری است" in text_of(client.post(path))
    assert not role_in(clinic, outsider.email)


def test_opening_the_link_uses_nothing_up(client, clinic):
    path = invited(clinic)
    client.get(path)
    client.head(path)
    assert Invitation.objects.get().accepted_at is None


@pytest.mark.parametrize(
    ("close", "status", "said"),
    [
        ({"accepted_at": timezone.now()}, 410, "این پیوند پیش از این به کار رفته است"),
        ({"revoked_at": timezone.now()}, 410, "این پیوند دیگر اعتبار ندارد"),
        ({"expires_at": timezone.now()}, 410, "مهلت این پیوند گذشته است"),
    ],
    ids=["used", "withdrawn", "too old"],
)
def test_a_closed_link_is_explained_and_lets_nobody_in(client, clinic, close, status, said):
    path = invited(clinic)
    Invitation.objects.update(**close)
    for response in (client.get(path), client.post(path, {"full_name": "سارا", **PASSWORDS})):
        assert (response.status_code, said in text_of(response)) == (status, True)
    assert not User.objects.filter(email="sara@example.ir").exists()


@pytest.mark.parametrize("path", ["/invitations/nonsense/", "/welcome/nonsense/"])
def test_an_unknown_link_is_explained(client, db, path):
    response = client.get(path)
    assert (response.status_code, "این پیوند را نمی‌شناسیم" in text_of(response)) == (404, True)


def test_a_receipts_token_is_no_invitation(client, clinic):
    with wear(Hat.WEB, clinic_id=clinic.pk):
        directory.publish("token-of-receipts", Directory.Purpose.RECEIPTS)
    assert client.get("/invitations/token-of-receipts/").status_code == 404


@pytest.mark.parametrize(
    ("days", "standing"), [(6.9, "open"), (7, "expired")], ids=["a moment before", "seven days"]
)
def test_an_invitation_is_good_for_seven_days(clinic, now, days, standing):
    invited(clinic, now=now)
    kept = Invitation.objects.get()
    assert invitations.standing(kept, now + dt.timedelta(days=days)) == standing


def test_of_two_clicks_exactly_one_is_let_through(clinic, now):
    user = UserFactory(email="sara@example.ir")
    invited(clinic, now=now)
    with wear(Hat.WEB, clinic_id=clinic.pk):
        kept = Invitation.objects.get()
        answers = [invitations.accept(kept, user, now=now) for _ in range(2)]
    assert answers == [True, False]


def test_the_invitation_page_is_kept_nowhere(client, clinic):
    assert "no-store" in client.get(invited(clinic))["Cache-Control"]


# -- Members -----------------------------------------------------------------------------------


def test_a_fresh_link_ends_the_old_one(as_boss, client, clinic):
    old = invited(clinic)
    page = text_of(
        as_boss.post(f"/c/aramesh/settings/invitations/{Invitation.objects.get().pk}/renew/")
    )
    fresh = re.search(r'value="https?://[^/]+(/[^"]+)"', page)[1]
    as_boss.logout()
    assert [client.get(path).status_code for path in (old, fresh)] == [410, 200]


def test_a_withdrawn_invitation_lets_nobody_in(as_boss, client, clinic):
    path = invited(clinic)
    as_boss.post(f"/c/aramesh/settings/invitations/{Invitation.objects.get().pk}/revoke/")
    as_boss.logout()
    assert client.get(path).status_code == 410


def test_a_role_is_changed(as_boss, clinic):
    member = MembershipFactory(clinic=clinic, role="receptionist")
    as_boss.post(f"{MEMBERS}{member.pk}/", {"role": "manager"})
    member.refresh_from_db()
    assert member.role == "manager"


def test_a_therapist_who_becomes_something_else_is_no_longer_tied(as_boss, clinic):
    therapist = TherapistFactory(clinic=clinic)
    member = MembershipFactory(clinic=clinic, role="therapist", therapist=therapist)
    as_boss.post(f"{MEMBERS}{member.pk}/", {"role": "receptionist", "therapist": therapist.pk})
    member.refresh_from_db()
    assert member.therapist is None


@pytest.mark.parametrize("act", ["change", "remove"])
def test_the_last_owner_stays(as_boss, boss, act):
    member = Membership.objects.get(user=boss)
    path = f"{MEMBERS}{member.pk}/" + ("remove/" if act == "remove" else "")
    page = as_boss.post(path, {"role": "manager"}, follow=True)
    assert "کلینیک بدون مالک نمی‌شود" in text_of(page)
    assert Membership.objects.get(user=boss).role == "owner"


def test_one_of_two_owners_may_leave(as_boss, boss, clinic):
    MembershipFactory(clinic=clinic, role="owner")
    pk = Membership.objects.get(user=boss).pk
    assert as_boss.post(f"{MEMBERS}{pk}/remove/")["Location"] == "/clinics/"
    assert not Membership.objects.filter(user=boss).exists()


@pytest.mark.parametrize("act", ["change", "remove"])
def test_a_manager_does_not_touch_an_owner(client, boss, manager, act):
    member = Membership.objects.get(user=boss)
    client.force_login(manager)
    path = f"{MEMBERS}{member.pk}/" + ("remove/" if act == "remove" else "")
    page = client.post(path, {"role": "receptionist"}, follow=True)
    assert "فقط مالک می‌تواند" in text_of(page)
    assert Membership.objects.get(user=boss).role == "owner"


def test_a_manager_does_not_renew_an_owners_invitation(client, clinic, manager):
    invited(clinic, role="owner")
    client.force_login(manager)
    pk = Invitation.objects.get().pk
    assert client.post(f"/c/aramesh/settings/invitations/{pk}/renew/").status_code == 404


def test_removing_asks_once_and_then_removes(as_boss, clinic):
    member = MembershipFactory(clinic=clinic, role="receptionist")
    asked = as_boss.get(f"{MEMBERS}{member.pk}/remove/")
    assert 'id="confirm"' in text_of(asked)
    assert Membership.objects.filter(pk=member.pk).exists()
    as_boss.post(f"{MEMBERS}{member.pk}/remove/")
    assert not Membership.objects.filter(pk=member.pk).exists()


def test_owners_are_counted_in_their_own_clinic_only(clinic, other_clinic, now):
    MembershipFactory(clinic=other_clinic, role="owner")
    mine = MembershipFactory(clinic=clinic, role="owner")
    with wear(Hat.WEB, clinic_id=clinic.pk), pytest.raises(members.LastOwner):
        members.remove(mine, by=mine)
