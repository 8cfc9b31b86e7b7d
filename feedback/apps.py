from importlib import import_module

from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    name = "feedback"

    def ready(self) -> None:
        from patients import merging

        merging.register(import_module("feedback.merging").PART)
