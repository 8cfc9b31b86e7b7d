"""The client's page of feedback. Texts carry the address without the slash; both lead there."""

from django.urls import path

from feedback import views

app_name = "feedback"
urlpatterns = [
    path("<str:token>", views.feedback, name="form"),
    path("<str:token>/", views.feedback, name="form"),
]
