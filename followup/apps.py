from django.apps import AppConfig


class FollowupConfig(AppConfig):
    name = "followup"

    def ready(self) -> None:
        from followup import actions
        from followup.models import wanted_by_rule
        from messaging.judge import still_wanted

        actions.connect()
        still_wanted.append(wanted_by_rule)
