"""Jobs, shots, attempts, events and answered submissions."""

from django.conf import settings
from django.db import models

from shothub.domain.states import JobState, ShotState
from shothub.server.apparatus.models import Apparatus, Share
from shothub.server.jobs.reach import Reach

_JOB_STATES = [(state.value, state.value) for state in JobState]
_SHOT_STATES = [(state.value, state.value) for state in ShotState]


class Jobs(Reach["Job"]):
    """Jobs, and which of them one may read, own and control."""


class Job(models.Model):
    """What a user submits at once.

    Attributes:
        rev: grows with every change of the job or of one of its shots.
        globals: as requested; for procedures with the defaults filled in.
        pending: shots still to end; before they are compiled, the number expected.
        waiting: shots compiled and not leased.
        cancelled: whether its cancellation was asked for.
        abort: whether its running shot is to be aborted.
        tell_agent: whether the agent has yet to hear of the cancellation.
        task_epoch: session that holds its compile or analyse task; 0 if none does.
        task_expires: when that task may be given out again.
        group: whose allocation it runs on; null for the user's own.
        share: what fair queueing charges it to; null until it is compiled.
        service: domain.queue.Service that was asked for.
        config: configuration key; a change of it between two shots costs a switch.
        shot_seconds: mean duration of its shots as compiled.
        rerun_safe: whether a shot of unknown outcome may be run again by itself, once.
        session: reservations.Session it belongs to, by id; empty for none.
        held: whether its owner holds it back.
        held_by: name of the operator who holds it back; empty if none does.
        after_left: jobs that it waits for and that have not ended.
        barred: why none of its shots may be leased now (domain.bars); empty if they may.
        foreseen_start, foreseen_end: as estimated when it was queued.
        kept: whether its results stay however old they are.
        results_end: when its results are to be deleted; null while that is not foreseen.
        results_deleted: when that was done; the job itself stays.
    """

    id = models.CharField(max_length=16, primary_key=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    apparatus = models.ForeignKey(
        Apparatus, on_delete=models.PROTECT, related_name="jobs"
    )
    kind = models.CharField(max_length=16)
    source = models.CharField(max_length=100)
    procedure_sha256 = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=120, blank=True)
    tags = models.JSONField(default=list)
    priority = models.SmallIntegerField(default=0)
    globals = models.JSONField(default=dict)
    units = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=_JOB_STATES)
    rev = models.PositiveBigIntegerField(default=1)
    cancelled = models.BooleanField(default=False)
    abort = models.BooleanField(default=False)
    tell_agent = models.BooleanField(default=False)
    task_epoch = models.PositiveBigIntegerField(default=0)
    task_expires = models.DateTimeField(null=True)
    shots = models.PositiveIntegerField(null=True)
    pending = models.PositiveIntegerField(default=1)
    waiting = models.PositiveIntegerField(default=0)
    leased = models.PositiveIntegerField(default=0)
    started_now = models.PositiveIntegerField(default=0)
    shots_done = models.PositiveIntegerField(default=0)
    shots_failed = models.PositiveIntegerField(default=0)
    shots_unknown = models.PositiveIntegerField(default=0)
    group = models.ForeignKey(
        "accounts.Group", null=True, on_delete=models.PROTECT, related_name="jobs"
    )
    share = models.ForeignKey(
        Share, null=True, on_delete=models.PROTECT, related_name="jobs"
    )
    service = models.CharField(max_length=12, default="normal")
    config = models.CharField(max_length=64, blank=True)
    shot_seconds = models.FloatField(default=0.0)
    rerun_safe = models.BooleanField(default=False)
    session = models.CharField(max_length=16, blank=True)
    held = models.BooleanField(default=False)
    held_by = models.CharField(max_length=160, blank=True)
    not_before = models.DateTimeField(null=True)
    start_by = models.DateTimeField(null=True)
    after_left = models.PositiveIntegerField(default=0)
    barred = models.CharField(max_length=12, blank=True)
    foreseen_start = models.DateTimeField(null=True)
    foreseen_end = models.DateTimeField(null=True)
    kept = models.BooleanField(default=False)
    results_end = models.DateTimeField(null=True)
    results_deleted = models.DateTimeField(null=True)
    faults = models.JSONField(default=list)
    compile_log = models.TextField(blank=True)
    analyse_log = models.TextField(blank=True)
    submitted = models.DateTimeField()
    queued = models.DateTimeField(null=True)
    started = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)

    objects = Jobs.as_manager()

    class Meta:
        ordering = ("-submitted", "-id")
        # Partial only where no parameter is compared: SQLite cannot see its value.
        indexes = (
            models.Index(fields=["owner", "-submitted"], name="job_of_owner"),
            models.Index(fields=["owner", "pending"], name="job_pending"),
            models.Index(
                fields=["apparatus", "state", "submitted"], name="job_in_state"
            ),
            models.Index(
                fields=["apparatus", "waiting", "owner", "submitted"],
                name="job_waiting",
            ),
            models.Index(
                fields=["share", "service", "-priority", "submitted", "id"],
                condition=models.Q(waiting__gt=0, barred=""),
                name="job_first_of_share",
            ),
            models.Index(
                fields=["apparatus", "submitted"],
                condition=models.Q(
                    service__in=["calibration", "safety"], waiting__gt=0, barred=""
                ),
                name="job_of_lab",
            ),
            models.Index(
                fields=["apparatus"],
                condition=models.Q(tell_agent=True),
                name="job_to_tell",
            ),
            models.Index(
                fields=["apparatus", "owner", "-priority", "submitted", "id"],
                condition=models.Q(state="submitted"),
                name="job_to_compile",
            ),
            models.Index(
                fields=["not_before"],
                condition=models.Q(barred="not_before"),
                name="job_not_before",
            ),
            models.Index(
                fields=["start_by"],
                condition=models.Q(start_by__isnull=False, started=None, ended=None),
                name="job_start_by",
            ),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.source}, {self.state})"


class JobAfter(models.Model):
    """A job that may only run once another one has ended well.

    Attributes:
        good: whether that one has, as the waiting job was told.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="waits_for")
    after = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="waited_by")
    good = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint("job", "after", name="one_after_each"),)

    def __str__(self) -> str:
        return f"{self.job_id} after {self.after_id}"


class JobSource(models.Model):
    """The user's own files of a job, kept apart so that lists of jobs stay light.

    Attributes:
        script: wire.jobs.SourceFile, null for procedures.
        routines: list of wire.jobs.SourceFile.
    """

    job = models.OneToOneField(
        Job, on_delete=models.CASCADE, primary_key=True, related_name="files_given"
    )
    script = models.JSONField(null=True)
    globals_name = models.CharField(max_length=100, blank=True)
    globals_content = models.BinaryField(blank=True)
    routines = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"files of {self.job_id}"


class Shot(models.Model):
    """One run of the machine; ``index`` runs from 0.

    Attributes:
        fence, lease_epoch, lease_expires: of the present or last lease.
        service: domain.queue.Service by which it was leased last.
        analysed: whether its single-shot results have arrived.
        reported: when the hub heard of its end, which may be long after it.
        decision: domain.evidence.Decision on its unknown outcome; empty for none.
    """

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="all_shots")
    index = models.PositiveIntegerField()
    globals = models.JSONField(default=dict)
    duration = models.FloatField(null=True)
    state = models.CharField(max_length=16, choices=_SHOT_STATES)
    fence = models.PositiveBigIntegerField(default=0)
    lease_epoch = models.PositiveBigIntegerField(default=0)
    lease_expires = models.DateTimeField(null=True)
    service = models.CharField(max_length=12, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    analysed = models.BooleanField(default=False)
    started = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    reported = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    decision = models.CharField(max_length=8, blank=True)

    class Meta:
        ordering = ("job", "index")
        constraints = (models.UniqueConstraint("job", "index", name="one_shot_each"),)
        indexes = (
            models.Index(fields=["job", "state", "index"], name="shot_of_job"),
            models.Index(fields=["state", "lease_expires"], name="shot_in_state"),
            models.Index(
                fields=["fence"],
                condition=models.Q(state__in=["leased", "started"]),
                name="shot_under_way",
            ),
        )

    def __str__(self) -> str:
        return f"{self.job_id}#{self.index} ({self.state})"


class Attempt(models.Model):
    """One start of a shot.

    Attributes:
        opened: when the hub gave leave to start.
        began: when BLACS began, by the apparatus's clock.
        outcome: domain.states.Outcome, empty while it runs.
        late: whether its end was reported by a later session.
        charged: machine seconds that its user was charged for it.
        ahead: whether leave to start it was given ahead, so that it may begin while the
            agent cannot reach the hub.
    """

    shot = models.ForeignKey(
        Shot, on_delete=models.PROTECT, related_name="all_attempts"
    )
    number = models.PositiveIntegerField()
    epoch = models.PositiveBigIntegerField()
    fence = models.PositiveBigIntegerField()
    opened = models.DateTimeField()
    began = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, blank=True)
    reason = models.TextField(blank=True)
    late = models.BooleanField(default=False)
    charged = models.FloatField(default=0.0)
    ahead = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint("shot", "number", name="one_attempt_each"),
            models.UniqueConstraint("shot", "fence", name="one_attempt_a_lease"),
        )

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.shot_id}: {self.outcome or 'running'}"


class Event(models.Model):
    """One change. Rows are only ever added: triggers refuse UPDATE and DELETE."""

    at = models.DateTimeField()
    what = models.CharField(max_length=40)
    apparatus = models.ForeignKey(Apparatus, on_delete=models.DO_NOTHING)
    job = models.ForeignKey(
        Job, null=True, on_delete=models.DO_NOTHING, related_name="events"
    )
    shot = models.PositiveIntegerField(null=True)
    actor = models.CharField(max_length=160, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    fence = models.PositiveBigIntegerField(default=0)
    detail = models.TextField(blank=True)
    late = models.BooleanField(default=False)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=["job", "id"], name="event_of_job"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.what}"


class Submission(models.Model):
    """An answered submission, by its Idempotency-Key."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    jobs = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint("owner", "key", name="one_submission_a_key"),
        )

    def __str__(self) -> str:
        return f"{self.key} of {self.owner_id}"


class JobShare(models.Model):
    """Leave for others to read a job: the members of a group, or whoever has a link.

    Attributes:
        ident: first part of the link's secret text, unique; empty for a group.
        digest: of the link's text, as of tokens; empty for a group.
        expires: null for a group's share that lasts until it is taken back.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="shares")
    group = models.ForeignKey(
        "accounts.Group", null=True, on_delete=models.CASCADE, related_name="+"
    )
    ident = models.CharField(max_length=10, blank=True)
    digest = models.BinaryField(max_length=32, null=True)
    pepper = models.PositiveSmallIntegerField(default=0)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created = models.DateTimeField()
    expires = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["ident"],
                condition=~models.Q(ident=""),
                name="one_link_an_ident",
            ),
        )

    def __str__(self) -> str:
        return f"share of {self.job_id}"
