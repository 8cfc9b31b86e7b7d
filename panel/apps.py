from importlib import import_module

from django.apps import AppConfig


class PanelConfig(AppConfig):
    name = "panel"

    def ready(self) -> None:
        from clinic import banners, bell, navigation

        counted = import_module("panel.waits")
        navigation.counters["panel:tasks"] = counted.calls
        navigation.counters["panel:inbox"] = counted.talks
        bell.sources.append(import_module("panel.bell").bell)
        banners.sources.append(import_module("panel.alarms").banners)
