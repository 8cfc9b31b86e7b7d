from importlib import import_module

from django.apps import AppConfig


class PanelConfig(AppConfig):
    name = "panel"

    def ready(self) -> None:
        from clinic import banners, navigation

        navigation.counters["panel:tasks"] = import_module("panel.task_views").waiting
        banners.sources.append(import_module("panel.alarms").banners)
