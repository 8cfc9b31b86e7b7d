"""Where gateways report. The last two are those that Kavenegar's panels were given before."""

from django.urls import path

from messaging import views

app_name = "hooks"
urlpatterns = [
    path("<slug:kind>/<str:token>/", views.callback, name="callback"),
    path("<slug:kind>/<str:token>/status/", views.callback, name="receipts"),
    path("<slug:kind>/<str:token>/inbound/", views.callback, name="inbound"),
]
