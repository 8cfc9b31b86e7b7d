"""Addresses outside a clinic that need no sign-in, or choose a clinic."""

from django.urls import include, path

from clinic import views

urlpatterns = [
    path("clinics/", views.clinics, name="clinics"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
    path("welcome/<str:token>/", views.invitation, name="welcome"),
    path("language/", include("django.conf.urls.i18n")),
]
