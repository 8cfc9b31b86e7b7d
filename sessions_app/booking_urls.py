"""The client's page for booking a time. Texts carry the address without the slash."""

from django.urls import path

from sessions_app import booking_views

app_name = "booking"
urlpatterns = [
    path("<str:token>", booking_views.book, name="page"),
    path("<str:token>/", booking_views.book, name="page"),
    path("<str:token>/calendar.ics", booking_views.calendar, name="calendar"),
]
