import pytest
from pydantic import TypeAdapter, ValidationError

from shothub.wire.jobs import JobRequest, ProcedureRequest, ScriptRequest

REQUESTS: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)


def test_the_kind_decides_what_a_request_is() -> None:
    procedure = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    script = {
        "kind": "script",
        "apparatus": "sim",
        "script": {"name": "a.py", "text": "start()"},
    }
    assert isinstance(REQUESTS.validate_python(procedure), ProcedureRequest)
    assert isinstance(REQUESTS.validate_python(script), ScriptRequest)


@pytest.mark.parametrize(
    "name", ["../a.py", "/etc/passwd", ".a.py", "a/b.py", "", "x" * 101]
)
def test_a_script_name_is_a_plain_file_name(name: str) -> None:
    with pytest.raises(ValidationError):
        ScriptRequest.model_validate(
            {"apparatus": "sim", "script": {"name": name, "text": ""}}
        )


def test_a_misspelt_field_is_told() -> None:
    with pytest.raises(ValidationError, match="globls"):
        ProcedureRequest.model_validate(
            {"apparatus": "sim", "procedure": "p", "globls": {}}
        )
