"""Where everything is. Rooms are named by string; only the composition root knows them all."""

from django.contrib import admin
from django.urls import include, path

from clinic.views import home

urlpatterns = [
    path("", home, name="home"),
    path("accounts/", include("clinic.urls_accounts")),
    path("", include("clinic.urls_public")),
    path("hooks/", include("messaging.urls")),
    # One letter each, because a text message is short: `sessions_app.links.PATHS`.
    path("s/", include("sessions_app.urls")),
    path("f/", include("feedback.urls")),
    path("p/", include("followup.urls")),
    path("b/", include("sessions_app.booking_urls")),
    path("u/", include("followup.preference_urls")),
    path("d/", include("panel.letter_urls")),
    path("c/<slug:clinic_slug>/", include("panel.urls")),
    path("c/<slug:clinic_slug>/settings/", include("clinic.urls")),
    path("c/<slug:clinic_slug>/settings/", include("panel.texting_urls")),
    path("c/<slug:clinic_slug>/import/", include("exchange.urls")),
    path("operator/", admin.site.urls),
]
