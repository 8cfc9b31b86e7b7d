"""The page of a silent client. Texts carry the address without the slash; both lead there."""

from django.urls import path

from followup import client_views

app_name = "choices"
urlpatterns = [
    path("<str:token>", client_views.choices, name="page"),
    path("<str:token>/", client_views.choices, name="page"),
]
