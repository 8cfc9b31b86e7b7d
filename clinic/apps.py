from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.backends.signals import connection_created


class ClinicConfig(AppConfig):
    name = "clinic"
    default = True

    def ready(self) -> None:
        from clinic.connections import give_up_superuser

        connection_created.connect(give_up_superuser, dispatch_uid="peygir.superuser")


class OperatorConfig(admin_apps.AdminConfig):
    """Django admin under the operator's hat."""

    default = False
    default_site = "clinic.operator.OperatorSite"
