"""Addresses of the pages."""

from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from shothub.server.web.views import (
    agent,
    apparatus,
    calendar,
    control,
    device,
    job,
    jobs,
    notices,
    privacy,
    record,
    staff,
    submit,
    tokens,
)

_MACHINE = "apparatus/<slug:name>"
_JOB = "jobs/<slug:job_id>"
_ICON = "shothub/mark.svg"

urlpatterns = [
    path("", include("shothub.server.web.account_urls")),
    path("", include("shothub.server.web.group_urls")),
    path("", jobs.jobs, name="jobs"),
    path(_JOB, job.job, name="job"),
    path(f"{_JOB}/live", job.job_live, name="job_live"),
    path(f"{_JOB}/outcome", job.job_results, name="job_results"),
    path(f"{_JOB}/record", job.job_record, name="job_record"),
    path(f"{_JOB}/cancel", job.job_cancel, name="job_cancel"),
    path(f"{_JOB}/keep", privacy.job_keep, name="job_keep"),
    path(f"{_JOB}/hold", control.job_hold, name="job_hold"),
    path(f"{_JOB}/release", control.job_release, name="job_release"),
    path(f"{_JOB}/shots/<int:index>/decision", control.job_decide, name="job_decide"),
    path(f"{_JOB}/files/<path:name>", job.job_file, name="job_file"),
    path("quotas", jobs.quotas, name="quotas"),
    path("submit", submit.choose, name="submit"),
    path("apparatus", apparatus.apparatus_list, name="apparatus_list"),
    path(_MACHINE, apparatus.apparatus, name="apparatus"),
    path(f"{_MACHINE}/live", apparatus.apparatus_live, name="apparatus_live"),
    path(
        f"{_MACHINE}/connection-table",
        apparatus.connection_table,
        name="connection_table",
    ),
    path(f"{_MACHINE}/calendar", calendar.calendar, name="calendar"),
    path(
        f"{_MACHINE}/calendar/<int:reservation>/cancel",
        calendar.calendar_cancel,
        name="calendar_cancel",
    ),
    path(
        f"{_MACHINE}/sessions/<slug:session>/end",
        calendar.session_end,
        name="session_end",
    ),
    path(f"{_MACHINE}/functions", apparatus.api, name="api"),
    path(f"{_MACHINE}/script", submit.script, name="script"),
    path(
        f"{_MACHINE}/procedures/<slug:procedure_name>",
        submit.procedure,
        name="procedure",
    ),
    path(
        f"{_MACHINE}/procedures/<slug:procedure_name>/count", submit.count, name="count"
    ),
    path(f"{_MACHINE}/pause", apparatus.pause_apparatus, name="pause"),
    path(f"{_MACHINE}/resume", apparatus.resume_apparatus, name="resume"),
    path("notifications", notices.notifications, name="notifications"),
    path("webhooks", notices.webhook_create, name="webhook_create"),
    path("webhooks/<int:ident>", notices.webhook, name="webhook"),
    path("webhooks/<int:ident>/delete", notices.webhook_delete, name="webhook_delete"),
    path("webhooks/<int:ident>/test", notices.webhook_test, name="webhook_test"),
    path("webhooks/<int:ident>/resume", notices.webhook_resume, name="webhook_resume"),
    path("events", notices.feed, name="feed"),
    path(f"{_MACHINE}/agent", agent.agent, name="agent"),
    path(
        f"{_MACHINE}/agent/<slug:ident>/revoke", agent.agent_revoke, name="agent_revoke"
    ),
    path("device", device.device, name="device"),
    # Browsers ask for it at whatever is no page, and while they are led elsewhere.
    path("favicon.ico", RedirectView.as_view(url=static(_ICON)), name="icon"),
    path("tokens", tokens.tokens, name="tokens"),
    path("tokens/<slug:ident>/revoke", tokens.token_revoke, name="token_revoke"),
    path("privacy", privacy.privacy, name="privacy"),
    path("privacy/export", privacy.export_me, name="privacy_export"),
    path("record", record.record, name="record"),
    path("record.<slug:form>", record.record_file, name="record_file"),
    path("people", staff.people, name="people"),
    path("people/invite", staff.invite, name="people_invite"),
    path(
        "people/invitations/<int:ident>/withdraw",
        staff.withdraw,
        name="invitation_withdraw",
    ),
    path("people/of/<str:username>", staff.person, name="person"),
    path("people/of/<str:username>/approve", staff.approve, name="person_approve"),
    path("people/of/<str:username>/decline", staff.decline, name="person_decline"),
    path("people/of/<str:username>/suspend", staff.suspend, name="person_suspend"),
    path(
        "people/of/<str:username>/reinstate", staff.reinstate, name="person_reinstate"
    ),
]
