from importlib import import_module

from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    name = "sessions_app"

    def ready(self) -> None:
        from patients import merging

        # It listens to `session_changed`.
        import_module("sessions_app.care_tasks")
        merging.register(import_module("sessions_app.merging").PART)
