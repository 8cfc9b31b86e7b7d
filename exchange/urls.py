from django.urls import path, register_converter

from exchange import views
from exchange.headers import Kind

app_name = "exchange"


class KindConverter:
    regex = "|".join(Kind)

    def to_python(self, value: str) -> Kind:
        return Kind(value)

    def to_url(self, value: str) -> str:
        return str(value)


register_converter(KindConverter, "list_kind")

urlpatterns = [
    path("", views.start, name="start"),
    path("template/<list_kind:kind>.xlsx", views.template_xlsx, name="template_xlsx"),
    path("template/<list_kind:kind>.csv", views.template_csv, name="template_csv"),
    path("<int:pk>/", views.upload, name="upload"),
    path("<int:pk>/discard/", views.discard, name="discard"),
    path("<int:pk>/rejected.csv", views.rejected, name="rejected"),
]
