from django.apps import AppConfig


class FollowupConfig(AppConfig):
    name = "followup"

    def ready(self) -> None:
        from followup import actions
        from followup.conditions import objections_of
        from messaging.judge import objections

        actions.connect()
        objections.append(objections_of)
