"""The staff's screens, under `/c/<clinic_slug>/`."""

from django.urls import path

from panel import (
    care_views,
    client_views,
    message_views,
    session_views,
    task_views,
    today_views,
)

app_name = "panel"
urlpatterns = [
    path("", today_views.today, name="today"),
    path("clients/", client_views.clients, name="clients"),
    path("clients/new/", client_views.client_new, name="client_new"),
    path("clients/<int:pk>/", client_views.client, name="client"),
    path("clients/<int:pk>/edit/", client_views.client_edit, name="client_edit"),
    path("clients/<int:pk>/consent/", client_views.client_consent, name="client_consent"),
    path("clients/<int:pk>/call/", task_views.client_call, name="client_call"),
    path("clients/<int:pk>/mute/", care_views.client_mute, name="client_mute"),
    path("clients/<int:pk>/unmute/", care_views.client_unmute, name="client_unmute"),
    path("clients/<int:pk>/hours/", care_views.client_hours, name="client_hours"),
    path("clients/<int:pk>/crisis/", care_views.client_crisis, name="client_crisis"),
    path("clients/<int:pk>/crisis/over/", care_views.client_crisis_over, name="client_crisis_over"),
    path("clients/events/<int:pk>/undo/", care_views.event_undo, name="event_undo"),
    path("treatments/<int:pk>/pause/", care_views.treatment_pause, name="treatment_pause"),
    path("treatments/<int:pk>/resume/", care_views.treatment_resume, name="treatment_resume"),
    path("treatments/<int:pk>/finish/", care_views.treatment_complete, name="treatment_complete"),
    path("treatments/<int:pk>/drop/", care_views.treatment_drop, name="treatment_drop"),
    path("calls/", task_views.tasks, name="tasks"),
    path("calls/silent/", task_views.tasks_silent, name="tasks_silent"),
    path("calls/<int:pk>/", task_views.task, name="task"),
    path("calls/<int:pk>/record/", task_views.task_attempt, name="task_attempt"),
    path("calls/<int:pk>/undo/", task_views.task_reopen, name="task_reopen"),
    path("sessions/", session_views.sessions, name="sessions"),
    path("sessions/new/", session_views.session_book, name="session_book"),
    path("sessions/clients/", session_views.session_clients, name="session_clients"),
    path("sessions/<int:pk>/", session_views.session, name="session"),
    path("sessions/<int:pk>/move/", session_views.session_move, name="session_move"),
    path("sessions/<int:pk>/edit/", session_views.session_edit, name="session_edit"),
    path("sessions/<int:pk>/record/", session_views.session_record, name="session_record"),
    path("sessions/<int:pk>/cancel/", session_views.session_cancel, name="session_cancel"),
    path("sessions/<int:pk>/restore/", session_views.session_restore, name="session_restore"),
    path("sessions/changes/<int:pk>/undo/", session_views.session_undo, name="session_undo"),
    path("messages/", message_views.messages, name="messages"),
    path("messages/<int:pk>/", message_views.message, name="message"),
    path("messages/<int:pk>/cancel/", message_views.message_cancel, name="message_cancel"),
    path("messages/<int:pk>/settle/", message_views.message_settle, name="message_settle"),
]
