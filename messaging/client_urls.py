"""The page that stops letters. With or without the slash it is the same."""

from django.urls import path

from messaging import client_views

app_name = "letters"
urlpatterns = [
    path("<str:token>", client_views.letters, name="stop"),
    path("<str:token>/", client_views.letters, name="stop"),
]
