"""Settings of one clinic, under `/c/<clinic_slug>/settings/`."""

from django.urls import path

from clinic import closure_views, hours_views, member_views, settings_views

app_name = "settings"
urlpatterns = [
    path("", settings_views.clinic, name="clinic"),
    path("therapists/", settings_views.therapists, name="therapists"),
    path("therapists/new/", settings_views.therapist_edit, name="therapist_new"),
    path("therapists/<int:pk>/", settings_views.therapist_edit, name="therapist"),
    path("therapists/<int:pk>/on/", settings_views.therapist_on, name="therapist_on"),
    path("therapists/<int:pk>/off/", settings_views.therapist_off, name="therapist_off"),
    path("therapists/<int:pk>/hours/", hours_views.therapist_hours, name="therapist_hours"),
    path("therapists/<int:pk>/away/", hours_views.time_off_new, name="therapist_away"),
    path("away/<int:pk>/delete/", hours_views.time_off_delete, name="therapist_back"),
    path("rooms/", settings_views.rooms, name="rooms"),
    path("rooms/new/", settings_views.room_edit, name="room_new"),
    path("rooms/<int:pk>/", settings_views.room_edit, name="room"),
    path("rooms/<int:pk>/on/", settings_views.room_on, name="room_on"),
    path("rooms/<int:pk>/off/", settings_views.room_off, name="room_off"),
    path("services/", settings_views.services, name="services"),
    path("services/new/", settings_views.service_edit, name="service_new"),
    path("services/<int:pk>/", settings_views.service_edit, name="service"),
    path("services/<int:pk>/on/", settings_views.service_on, name="service_on"),
    path("services/<int:pk>/off/", settings_views.service_off, name="service_off"),
    path("closures/", closure_views.closures, name="closures"),
    path("closures/new/", closure_views.closure_edit, name="closure_new"),
    path("closures/<int:pk>/", closure_views.closure_edit, name="closure"),
    path("closures/<int:pk>/delete/", closure_views.closure_delete, name="closure_delete"),
    path("members/", member_views.members, name="members"),
    path("members/<int:pk>/", member_views.member, name="member"),
    path("members/<int:pk>/remove/", member_views.member_remove, name="member_remove"),
    path("invitations/new/", member_views.invite, name="invitation_new"),
    path("invitations/<int:pk>/renew/", member_views.renew, name="invitation_renew"),
    path("invitations/<int:pk>/revoke/", member_views.revoke, name="invitation_revoke"),
]
