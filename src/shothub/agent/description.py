"""What an agent publishes about its apparatus."""

from collections.abc import Mapping, Sequence

from shothub.agent.folder import ApparatusFolder
from shothub.agent.procedures import Procedure
from shothub.domain.parameters import Parameter
from shothub.shots.lab import Lab, Output
from shothub.wire.apparatus import (
    Description,
    OutputView,
    ParameterView,
    ProcedureView,
    QueuePolicy,
    ReservationPolicy,
)


def description(
    folder: ApparatusFolder,
    lab: Lab,
    *,
    refusals: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    software: Mapping[str, str] | None = None,
) -> Description:
    """Return the public description of an apparatus.

    Args:
        folder: of the apparatus.
        lab: its compiled connection table.
        refusals: kinds of jobs that this agent cannot run, and why, in words.
        notes: further restrictions, in words.
        software: names and versions.
    """
    refusals = refusals or {}
    config = folder.config
    return Description(
        title=config.title or config.name,
        doc=config.doc,
        procedures=[_procedure(p) for p in folder.procedures.values()],
        api=list(folder.api),
        outputs=[_output(output, lab) for output in lab.outputs.values()],
        connection_table=folder.connection_table,
        connection_table_sha256=lab.digest,
        max_shots=config.max_shots,
        max_duration=config.limits.max_duration,
        accepts=[kind for kind in config.accept.kinds if kind not in refusals],
        refusals=[*(f"{kind}: {why}" for kind, why in refusals.items()), *notes],
        hdf5_download=config.storage.hdf5_download,
        queue=QueuePolicy(**config.queue.model_dump()),
        offline_seconds=config.link.offline_seconds,
        reservations=ReservationPolicy(**config.reservations.model_dump()),
        software=dict(software or {}),
    )


def _procedure(procedure: Procedure) -> ProcedureView:
    return ProcedureView(
        name=procedure.name,
        title=procedure.title,
        doc=procedure.doc,
        parameters=[_parameter(p) for p in procedure.parameters],
        example=dict(procedure.example),
        routines=list(procedure.routines),
        multishot=list(procedure.multishot),
        rerun=procedure.rerun,
        source=procedure.source,
        sha256=procedure.sha256,
    )


def _parameter(parameter: Parameter) -> ParameterView:
    return ParameterView(
        name=parameter.name,
        type=parameter.type,
        default=parameter.default,
        unit=parameter.unit,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
        choices=list(parameter.choices),
        doc=parameter.doc,
    )


def _output(output: Output, lab: Lab) -> OutputView:
    limit = lab.limits.outputs.get(output.name)
    return OutputView(
        name=output.name,
        device=output.device,
        connection=output.connection,
        type=output.type,
        unit=output.unit,
        minimum=limit.minimum if limit else None,
        maximum=limit.maximum if limit else None,
    )
