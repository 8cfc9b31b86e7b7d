"""The client's page of a session. Texts carry the address without the slash; both lead there."""

from django.urls import path

from sessions_app import client_views

app_name = "client"
urlpatterns = [
    path("<str:token>", client_views.session, name="session"),
    path("<str:token>/", client_views.session, name="session"),
    path("<str:token>/calendar.ics", client_views.calendar, name="calendar"),
]
