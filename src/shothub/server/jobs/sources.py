"""What a job runs: the user's own files, for himself and for reviewers."""

from dataclasses import dataclass

from shothub.server.accounts.principals import Principal
from shothub.server.jobs.models import Job, JobSource
from shothub.server.jobs.queries import NoSuchJob
from shothub.wire.jobs import SourceFile


@dataclass(frozen=True, kw_only=True)
class Source:
    """The code of a job.

    Attributes:
        job: the row, with its owner and apparatus.
        script: None for procedures, which the lab wrote.
        globals_name: of the file of globals that came with it; empty for none.
    """

    job: Job
    script: SourceFile | None
    routines: list[SourceFile]
    globals_name: str = ""


def source_of(principal: Principal, job: str) -> Source:
    """Return the code of a job.

    Raises:
        NoSuchJob: it is not there, or one may not know of it.
    """
    rows = Job.objects.reviewed_by(principal).select_related("owner", "apparatus")
    found = rows.defer("apparatus__description", "compile_log", "analyse_log")
    one = found.filter(pk=job).first()
    if one is None:
        raise NoSuchJob(f"There is no job {job[:20]!r} of yours.")
    files = JobSource.objects.filter(job=one).defer("globals_content").first()
    if files is None:
        return Source(job=one, script=None, routines=[])
    return Source(
        job=one,
        script=SourceFile.model_validate(files.script) if files.script else None,
        routines=[SourceFile.model_validate(each) for each in files.routines],
        globals_name=files.globals_name,
    )
