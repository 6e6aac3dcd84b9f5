"""Routes: results, images and files of jobs."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from shothub.runtime import clock
from shothub.server.accounts.rates import in_turn
from shothub.server.api.access import Needs, Request
from shothub.server.api.replies import reply, reply_list
from shothub.server.jobs.queries import find_job, view_now
from shothub.server.refusals import Forbidden
from shothub.server.results import queries, retention
from shothub.server.sending import send_file, send_zip
from shothub.wire.jobs import FileView, JobView, KeepRequest, ResultTable

router = Router(tags=["results"])
READ = Needs("results:read")
DEAR = Needs("results:read", cost=5)
DEAREST = Needs("results:read", cost=20)
FILES = Needs("files:read")


@router.get("/{job}/results", response=ResultTable, auth=DEAR)
def show_results(request: Request, job: str) -> HttpResponse:
    """Return the results: one row per shot, missing values null."""
    found = find_job(request.auth, job)
    with in_turn(request.auth):
        return reply(queries.result_table(found))


@router.post("/{job}/keep", response=JobView, auth=Needs("jobs:submit"))
def keep_results(request: Request, job: str, asked: KeepRequest) -> HttpResponse:
    """Keep the results of one's job however old they are, or no longer."""
    found = retention.keep(request.auth, job, keep=asked.keep, now=clock.now())
    return reply(view_now(found, now=clock.now()))


@router.get("/{job}/images", response=list[FileView], auth=READ)
def list_images(request: Request, job: str) -> HttpResponse:
    """List the images in order of shot."""
    return reply_list(queries.images_of(find_job(request.auth, job)))


@router.get("/{job}/images/{path:label}.npz", auth=DEAREST)
def get_images(request: Request, job: str, label: str) -> HttpResponseBase:
    """Return all images of one label: an archive of ``<shot index>.npy``."""
    rows = queries.image_rows(find_job(request.auth, job), label)
    with in_turn(request.auth):
        return send_zip(request, ((f"{index}.npy", path) for index, path in rows))


@router.get("/{job}/files", response=list[FileView], auth=FILES)
def list_files(request: Request, job: str) -> HttpResponse:
    """List the files of a job."""
    return reply_list(queries.files_of(find_job(request.auth, job)))


@router.get("/{job}/files/{path:name}", auth=FILES)
def get_file(request: Request, job: str, name: str) -> HttpResponseBase:
    """Return the content of a file; HDF5 only to those whom the lab lets have it."""
    found = find_job(request.auth, job)
    file = queries.find_file(found, name)
    if file.kind == "hdf5" and not request.auth.may("hdf5", found.apparatus.name):
        raise Forbidden(
            "The lab has not granted you HDF5 files of this apparatus.",
            code="hdf5_not_granted",
        )
    path, kind = queries.path_of(file), file.media_type
    return send_file(request, path, name=file.name, media_type=kind, digest=file.sha256)
