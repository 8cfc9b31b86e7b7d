from importlib import import_module

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from patients import merging

        # It listens to `client_died`.
        import_module("messaging.deceased")
        merging.register(import_module("messaging.merging").PART)
