"""Settings about texts: the accounts, the rules and their words, and whether texts leave."""

from django.urls import path

from panel import account_views, emergency_views, rules_views, sending_views, wording_views

app_name = "texting"
urlpatterns = [
    path("gateway/", account_views.gateway, name="gateway"),
    path("gateway/trial/", account_views.trial, name="gateway_trial"),
    path("gateway/<slug:place>/", account_views.account, name="account"),
    path("gateway/<slug:place>/check/", account_views.account_check, name="account_check"),
    path("gateway/<slug:place>/remove/", account_views.account_remove, name="account_remove"),
    path("texts/", rules_views.rules, name="rules"),
    path("texts/emergency/", emergency_views.emergency_text, name="emergency"),
    path("texts/<int:pk>/", rules_views.rule, name="rule"),
    path("texts/<int:pk>/on/", rules_views.rule_on, name="rule_on"),
    path("texts/<int:pk>/off/", rules_views.rule_off, name="rule_off"),
    path("texts/<int:pk>/sentence/", rules_views.rule_sentence, name="rule_sentence"),
    path("texts/<int:pk>/try/", rules_views.rule_try, name="rule_try"),
    path("texts/<int:pk>/preview/", wording_views.rule_preview, name="rule_preview"),
    path("texts/<int:pk>/new/", wording_views.wording_new, name="wording_new"),
    path("texts/wordings/<int:pk>/", wording_views.wording, name="wording"),
    path("texts/wordings/<int:pk>/remove/", wording_views.wording_remove, name="wording_remove"),
    path("live/", sending_views.live, name="live"),
    path("live/stop/", sending_views.live_stop, name="live_stop"),
    path("live/pause/", sending_views.pause, name="pause"),
    path("live/resume/", sending_views.resume, name="resume"),
    path("live/limit/", sending_views.limit, name="limit"),
]
