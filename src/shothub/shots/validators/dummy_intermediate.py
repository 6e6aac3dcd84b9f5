"""DummyIntermediateDevice of labscript_devices: one table, columns named by output."""

from shothub.shots.validators.base import Part, Valid, channel_values


def validate_dummy_outputs(part: Part) -> Valid:
    """Judge the table: ``float64`` of analog, ``int8`` of digital outputs.

    Raises:
        Invalid: the table is not one that labscript would write.
    """
    (table,) = part.tables("OUTPUTS")
    for name in table.dtype.names or ():
        if table.dtype[name].str not in ("<f8", "|i1"):
            raise part.invalid(
                f"column {name[:60]!r} is of a wrong type", place="OUTPUTS"
            )
    channels = {
        output.name: output for output in part.lab.outputs_of(part.name).values()
    }
    return Valid(
        datasets={"OUTPUTS": table},
        values=channel_values(part, table, channels, "OUTPUTS"),
        instructions=len(table),
    )
