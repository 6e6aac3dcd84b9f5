import os
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shothub.sandbox.host import (
    Frame,
    GuestBinds,
    GuestLimits,
    Layers,
    SandboxFailed,
    Zygote,
)

HOST = """
import sys
from shothub.sandbox.host import GuestBinds, GuestLimits, Zygote
with Zygote("attack", GuestBinds(), GuestLimits()) as zygote:
    zygote.run_text(b"import os, time\\nos.write(3, b'')\\nprint('x' * 0)\\ntime.sleep(600)",
                    sink=lambda frame: None)
"""
FOREIGN_PYTHON = Path("/usr/bin/python3.11")


def nothing(_frame: Frame) -> None:
    pass


def warm(**limits: Any) -> Zygote:
    return Zygote("attack", GuestBinds(), GuestLimits(**limits))


def bubblewraps_of(parent: int) -> list[int]:
    """Return the bubblewrap processes that ``parent`` started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and (folder / "comm").read_text() == "bwrap\n":
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_for_end(pidfd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def test_nothing_lives_on_when_the_host_is_killed(
    layers: Layers, tmp_path: Path
) -> None:
    ready = "import sys; sys.stdout.write('up'); sys.stdout.flush()"
    source = HOST.replace(
        "    zygote.run_text", f"    zygote.start(); {ready}\n    zygote.run_text"
    )
    command = [sys.executable, "-c", source]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.read(2) == b"up"
        (child,) = bubblewraps_of(host.pid)
        pidfd = os.pidfd_open(child)
        host.kill()
    assert wait_for_end(pidfd, 10)
    os.close(pidfd)


def test_closing_ends_the_process_and_frees_its_descriptors(layers: Layers) -> None:
    with warm() as first:
        assert first.run_text(b"pass", sink=nothing).ok  # what is opened once stays
    before = bubblewraps_of(os.getpid()), open_descriptors()
    for _ in range(2):
        with warm() as zygote:
            assert zygote.run_text(b"pass", sink=nothing).ok
            assert len(bubblewraps_of(os.getpid())) == len(before[0]) + 1
    assert (bubblewraps_of(os.getpid()), open_descriptors()) == before


def test_several_sandboxes_run_side_by_side(layers: Layers) -> None:
    with warm() as one, warm() as two:
        source = b"import os\nprint(os.stat('/scratch').st_dev)"

        def run(zygote: Zygote) -> bool:
            return zygote.run_text(source, sink=nothing).ok

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(run, [one, two] * 10))


def test_threads_take_turns_on_one_sandbox(layers: Layers) -> None:
    with warm() as zygote, ThreadPoolExecutor(4) as pool:
        outputs = pool.map(
            lambda n: zygote.run_text(f"print({n})".encode(), sink=nothing).output,
            range(12),
        )
        assert list(outputs) == [f"{n}\n" for n in range(12)]


def test_the_warm_process_is_renewed_after_its_runs(layers: Layers) -> None:
    source = b"import sys\nsys.stdout.write(open('/etc/hosts').read()[:3])"
    with warm(runs=2) as zygote:
        for _ in range(5):
            assert zygote.run_text(source, sink=nothing).output == "127"


def test_a_killed_warm_process_is_replaced(layers: Layers) -> None:
    with warm() as zygote:
        assert zygote.run_text(b"pass", sink=nothing).ok
        process = zygote._warm
        assert process is not None
        assert process._process is not None
        process._process.kill()
        process._process.wait()
        assert zygote.run_text(b"pass", sink=nothing).ok


def test_what_the_sink_raises_comes_out_and_the_next_run_is_fine(
    layers: Layers,
) -> None:
    def refuse(_frame: Frame) -> None:
        raise KeyError("enough")

    with warm() as zygote:
        with pytest.raises(KeyError, match="enough"):
            zygote.run_text(b"import time\ntry: pass\nfinally: pass", sink=refuse)
        process = zygote._warm
        assert zygote.run_text(b"pass", sink=nothing).ok
        assert zygote._warm is process


def test_forged_frames_end_the_run(layers: Layers) -> None:
    forged = b"import os\nos.write(3, b'X' * 100)\nimport time\ntime.sleep(60)"
    with warm(wall=10) as zygote:
        end = zygote.run_text(forged, sink=nothing)
    assert (end.ok, end.reason) == (False, "frames")


def test_a_flood_of_frames_ends_the_run(layers: Layers) -> None:
    flood = (
        b"import os, struct\nframe = struct.pack('>cIQ', b'N', 2, 10**6) + b'{}' + bytes(10**6)\n"
        b"while True: os.write(3, frame)"
    )
    with warm(wall=10, frame_bytes=20 << 20) as zygote:
        end = zygote.run_text(flood, sink=nothing)
    assert end.reason == "frames"


def test_processor_time_is_bounded(layers: Layers) -> None:
    with warm(cpu=1, wall=20) as zygote:
        end = zygote.run_text(b"while True: pass", sink=nothing)
    assert end.reason == "cpu"


def test_the_kernel_ends_what_takes_too_much_memory(layers: Layers) -> None:
    if not layers.cgroup:
        pytest.skip("; ".join(layers.weaker))
    hog = b"kept = []\nwhile True: kept.append(bytearray(10**7))"
    limits = GuestLimits(wall=20, memory=100 << 20, scratch=10 << 20)
    guards = ("namespaces", "landlock", "seccomp", "session")
    with Zygote("attack", GuestBinds(), limits, guards=guards) as zygote:
        end = zygote.run_text(hog, sink=nothing)
        assert end.reason == "memory"
        assert zygote.run_text(b"pass", sink=nothing).ok


def test_a_run_is_cancelled_from_another_thread_and_the_next_one_runs(
    layers: Layers,
) -> None:
    announce = (
        b"import os, time\nos.write(3, bytes.fromhex('4e' + '00000000' + '00' * 8))\n"
        b"time.sleep(60)"
    )
    with warm() as zygote, ThreadPoolExecutor(1) as pool:

        def cancel(_frame: Frame) -> None:
            pool.submit(zygote.cancel)

        end = zygote.run_text(announce, sink=cancel)
        assert end.reason == "killed"
        assert end.seconds < 30
        assert zygote.run_text(b"pass", sink=nothing).ok


def test_a_guest_gives_way_to_blacs_across_sessions_too(layers: Layers) -> None:
    if not Path("/proc/self/autogroup").exists():
        pytest.skip("this kernel does not group processes by session")
    before, seen = groups(), set()
    announce = (
        b"import os, time\nos.write(3, bytes.fromhex('4e' + '00000000' + '00' * 8))\n"
        b"time.sleep(60)"
    )
    with warm() as zygote, ThreadPoolExecutor(1) as pool:

        def look(_frame: Frame) -> None:
            seen.update(groups() - before)
            pool.submit(zygote.cancel)

        zygote.run_text(announce, sink=look)
    assert any(line.endswith("nice 10\n") for line in seen), seen


def groups() -> set[str]:
    """Return the scheduler's groups of all processes, with their niceness."""
    found = set()
    for path in Path("/proc").glob("[1-9]*/autogroup"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found.add(path.read_text())
    return found


def test_a_sandbox_that_cannot_start_says_why(layers: Layers, lab: GuestBinds) -> None:
    with pytest.raises(SandboxFailed, match="nosuch"):
        Zygote("nosuch", lab, GuestLimits()).start()  # type: ignore[arg-type]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.skipif(not FOREIGN_PYTHON.exists(), reason="needs the system's own Python")
def test_an_ordinary_user_runs_guests_too_with_the_system_s_python(
    layers: Layers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site = next(path for path in sys.path if path.endswith("site-packages"))
    root = Path(__file__).parents[3] / "src"
    for path in (Path(site), root):
        if not os.access(path, os.R_OK) or not _open_to_all(path):
            pytest.skip(f"{path} is not readable for other users")
    source = f"""
import sys
sys.path[:0] = [{str(root)!r}, {site!r}]
from pathlib import Path
from shothub.sandbox.host import GuestBinds, GuestLimits, Zygote, probe
from shothub.sandbox.selftest import ATTACKS, attempt
assert not probe().own_uid
binds = GuestBinds(python_paths=(Path({site!r}),))
with Zygote("attack", binds, GuestLimits(wall=2)) as zygote:
    for attack in ATTACKS[:-2]:
        tried = attempt(zygote, attack)
        assert tried.stopped, tried
print("all stopped")
"""
    done = subprocess.run(
        [FOREIGN_PYTHON, "-c", source],
        user=61500,
        group=61500,
        extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "all stopped\n", done.stderr


def _open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o5 == 0o5 for folder in (path, *path.parents))


def test_a_guest_has_a_session_of_its_own(layers: Layers) -> None:
    # Ctrl-C in a terminal goes to a whole session; it is the host's to handle.
    with warm() as zygote:
        end = zygote.run_text(
            b"import os\nprint(os.getsid(0) == os.getpid())", sink=nothing
        )
    assert end.output == "True\n"
