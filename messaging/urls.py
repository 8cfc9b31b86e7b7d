from django.urls import path

from messaging import views

app_name = "hooks"
urlpatterns = [
    path("<slug:kind>/<str:token>/status/", views.delivery_receipts, name="receipts"),
    path("<slug:kind>/<str:token>/inbound/", views.inbound_texts, name="inbound"),
]
