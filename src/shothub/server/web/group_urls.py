"""Addresses of groups, of grants, and of what is shared."""

from django.urls import path

from shothub.server.web.views import grants, groups, shared, sharing, source

_GROUP = "groups/<slug:name>"
_JOB = "jobs/<slug:job_id>"
_LINK = "shared/<str:text>"

urlpatterns = [
    path("groups", groups.groups, name="groups"),
    path(_GROUP, groups.group, name="group"),
    path(f"{_GROUP}/change", groups.group_change, name="group_change"),
    path(f"{_GROUP}/default", groups.group_default, name="group_default"),
    path(f"{_GROUP}/quota", groups.group_quota, name="group_quota"),
    path(f"{_GROUP}/members", groups.group_member, name="group_member"),
    path(
        f"{_GROUP}/members/remove",
        groups.group_member_remove,
        name="group_member_remove",
    ),
    path("apparatus/<slug:name>/grants", grants.grants, name="grants"),
    path(f"{_JOB}/source", source.job_source, name="job_source"),
    path(f"{_JOB}/share", sharing.job_share, name="job_share"),
    path(
        f"{_JOB}/shares/<int:share>/take-back", sharing.job_unshare, name="job_unshare"
    ),
    path(_LINK, shared.shared, name="shared"),
    path(f"{_LINK}/results.csv", shared.shared_results, name="shared_results"),
    path(f"{_LINK}/files/<path:name>", shared.shared_file, name="shared_file"),
]
