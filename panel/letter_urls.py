"""Where a member stops the daily letter without signing in, `/d/<token>/`."""

from django.urls import path

from panel import digest_views

app_name = "digest"
urlpatterns = [
    path("<str:token>", digest_views.digest_stop, name="stop"),
    path("<str:token>/", digest_views.digest_stop, name="stop"),
]
