"""Settings about texts: the gateway, the rules and their words, and going live."""

from django.urls import path

from panel import rules_views, settings_views, wording_views

app_name = "texting"
urlpatterns = [
    path("gateway/", settings_views.gateway, name="gateway"),
    path("gateway/check/", settings_views.gateway_check, name="gateway_check"),
    path("gateway/remove/", settings_views.gateway_remove, name="gateway_remove"),
    path("texts/", rules_views.rules, name="rules"),
    path("texts/<int:pk>/", rules_views.rule, name="rule"),
    path("texts/<int:pk>/on/", rules_views.rule_on, name="rule_on"),
    path("texts/<int:pk>/off/", rules_views.rule_off, name="rule_off"),
    path("texts/<int:pk>/try/", rules_views.rule_try, name="rule_try"),
    path("texts/<int:pk>/preview/", wording_views.rule_preview, name="rule_preview"),
    path("texts/<int:pk>/new/", wording_views.wording_new, name="wording_new"),
    path("texts/wordings/<int:pk>/", wording_views.wording, name="wording"),
    path("texts/wordings/<int:pk>/remove/", wording_views.wording_remove, name="wording_remove"),
    path("live/", settings_views.live, name="live"),
    path("live/stop/", settings_views.live_stop, name="live_stop"),
]
