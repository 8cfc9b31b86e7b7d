"""The page of what a client wants to hear of. With or without the slash it is the same."""

from django.urls import path

from followup import preference_views

app_name = "preferences"
urlpatterns = [
    path("<str:token>", preference_views.preferences, name="page"),
    path("<str:token>/", preference_views.preferences, name="page"),
]
