from importlib import import_module

from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    name = "sessions_app"

    def ready(self) -> None:
        from patients import merging

        # They listen to `session_changed`.
        for name in ("care_tasks", "waiting"):
            import_module(f"sessions_app.{name}")
        merging.register(import_module("sessions_app.merging").PART)
