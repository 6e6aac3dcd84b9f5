"""Known ways out of a sandbox, as scripts that print ``GOT`` when one works."""

from dataclasses import dataclass

_LIBC = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"


@dataclass(frozen=True)
class Attack:
    """A script that tries to get what a guest may not have.

    Attributes:
        name: for reports.
        source: Python; prints ``GOT`` and what, when it worked.
        guards: layers without which it works, as far as that can be shown on any
            machine; empty where several layers stop it.
    """

    name: str
    source: str
    guards: tuple[str, ...] = ()


def _syscall(number: int, *arguments: str) -> str:
    call = ", ".join((str(number), *arguments))
    return f"{_LIBC}if libc.syscall({call}) >= 0: print('GOT an answer')"


_BEYOND = """
import os
for path in ("/root", "/home", "/var", "/run", "/boot", "/opt", "/srv", "/mnt", "/media"):
    try:
        print("GOT", path, os.listdir(path)[0])
    except (OSError, IndexError):
        pass
"""

_ENVIRONMENT = """
import os
for name in os.environ:
    if any(word in name for word in ("SECRET", "TOKEN", "SHOTHUB", "SSH", "AWS", "DJANGO")):
        print("GOT", name)
"""

_PROCESSES = """
import os
found = [name for name in os.listdir("/proc") if name.isdigit()]
print("GOT" if found else "nothing", found[:5])
"""

_THREADS = """
import threading
stop = threading.Event()
threads = [threading.Thread(target=stop.wait, daemon=True) for _ in range(200)]
try:
    for thread in threads:
        thread.start()
    print("GOT 200 threads")
finally:
    stop.set()
"""

_DISK = """
with open("/scratch/big", "wb") as file:
    for _ in range(2000):
        file.write(bytes(1 << 20))
print("GOT 2 GB")
"""

_WRITES = """
import os, sys
places = [sys.prefix, sys.base_prefix, "/profile/labscript-suite/labconfig", "/etc", "/usr",
          "/dev/shm", "/", "/proc"]
for place in places:
    try:
        with open(os.path.join(place, "planted"), "w") as file:
            print("GOT", place)
    except OSError:
        pass
"""

_DEVICES = """
import os
for name in ("/dev/mem", "/dev/kmsg", "/dev/fuse", "/dev/ptmx", "/dev/vda", "/dev/sda"):
    try:
        os.close(os.open(name, os.O_RDONLY))
        print("GOT", name)
    except OSError:
        pass
"""

_DESCRIPTORS = """
import os, stat
found = []
for number in range(3, 256):
    try:
        found.append((number, stat.filemode(os.fstat(number).st_mode)))
    except OSError:
        pass
# One pipe is the guest's own, to send frames.
if [kind[0] for _, kind in found] != ["p"]:
    print("GOT", found)
"""

_LIMITS = """
import resource
for name in ("AS", "CPU", "NPROC", "FSIZE", "NOFILE"):
    what = getattr(resource, "RLIMIT_" + name)
    hard = resource.getrlimit(what)[1]
    try:
        resource.setrlimit(what, (hard + 1, hard + 1))
        print("GOT", name)
    except (OSError, ValueError):
        pass
"""

_OLD_ABI = """
import ctypes, mmap, platform
if platform.machine() == "x86_64":
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(bytes.fromhex("b814000000cd80c3"))  # getpid by int 0x80
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    print("GOT", ctypes.CFUNCTYPE(ctypes.c_int)(address)())
"""

_TYPE_INTO_TERMINAL = """
import fcntl
for number in (0, 1, 2):
    for request in (0x5412, 0x5412 | 1 << 32):
        try:
            fcntl.ioctl(number, request & 0xFFFFFFFF, b"x")
            print("GOT the terminal")
        except OSError:
            pass
"""

ATTACKS = (
    Attack("read the password hashes", "print('GOT', open('/etc/shadow').read()[:9])"),
    Attack("list the machine's folders", _BEYOND),
    Attack("read secrets from the environment", _ENVIRONMENT),
    Attack("see other processes", _PROCESSES, ("namespaces", "landlock")),
    Attack(
        "read the warm process's environment",
        "print('GOT', open('/proc/1/environ').read())",
    ),
    Attack(
        "open a network socket",
        "import socket\nsocket.socket()\nprint('GOT a socket')",
        ("seccomp",),
    ),
    Attack(
        "open a local socket",
        "import socket\nsocket.socket(socket.AF_UNIX)\nprint('GOT a socket')",
        ("seccomp",),
    ),
    Attack(
        "open a netlink socket",
        "import socket\nsocket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\nprint('GOT')",
        ("seccomp",),
    ),
    Attack(
        "start a process",
        "import os\nif os.fork() == 0: os._exit(0)\nprint('GOT a child')",
        ("seccomp",),
    ),
    Attack(
        "start another program",
        "import os, sys\nos.execv(sys.executable, ['p', '-c', 'print(\"GOT\")'])",
        ("seccomp",),
    ),
    Attack("start 200 threads", _THREADS),
    Attack(
        "take 8 GB of memory",
        "x = bytearray(8 << 30)\nx[::4096] = x[::4096]\nprint('GOT')",
    ),
    Attack("write 2 GB", _DISK),
    Attack("write where others read", _WRITES),
    Attack("open devices", _DEVICES),
    Attack(
        "make a device",
        "import os, stat\nos.mknod('/scratch/d', 0o600 | stat.S_IFCHR, os.makedev(1, 1))\n"
        "print('GOT a device')",
    ),
    Attack("use descriptors of the host", _DESCRIPTORS),
    Attack("raise its limits", _LIMITS, ("rlimits",)),
    Attack("become root", "import os\nos.setuid(0)\nprint('GOT', os.getuid())"),
    Attack("trace a process", _syscall(101, "16", "1", "0", "0")),
    Attack(
        "mount a file system",
        f"{_LIBC}if libc.mount(b'n', b'/tmp', b'tmpfs', 0, None) == 0: print('GOT')",
    ),
    Attack(
        "make a namespace",
        f"{_LIBC}if libc.unshare(0x10000000) == 0: print('GOT')",
        ("seccomp",),
    ),
    Attack("change the root", f"{_LIBC}if libc.chroot(b'/scratch') == 0: print('GOT')"),
    Attack("use io_uring", _syscall(425, "1", "ctypes.create_string_buffer(120)")),
    Attack("use the keyring", _syscall(250, "0", "-3", "0"), ("seccomp",)),
    Attack("load a program into the kernel", _syscall(321, "0", "0", "0")),
    Attack(
        "change the personality",
        f"{_LIBC}if libc.personality(0x40000) >= 0: print('GOT')",
        ("seccomp",),
    ),
    Attack("watch page faults", _syscall(323, "1"), ("seccomp",)),
    Attack(
        "outlive its keeper",
        f"{_LIBC}if libc.prctl(1, 0, 0, 0, 0) == 0: print('GOT')",
        ("seccomp",),
    ),
    Attack("call the kernel by the old door", _OLD_ABI, ("seccomp",)),
    Attack("type into the terminal", _TYPE_INTO_TERMINAL),
    Attack(
        "end all processes it sees",
        "import os\nos.kill(-1, 9)\nprint('GOT a victim')",
    ),
    Attack("print 100 MB", "print('x' * 10**8)\nprint('GOT')"),
    Attack(
        "sleep for ever, deaf to signals",
        "import signal, time\nfor n in range(1, 32):\n"
        "    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\n"
        "while True: time.sleep(9)",
    ),
    Attack("loop for ever", "while True: pass"),
)
"""System call numbers are those of x86-64; other machines refuse them as unknown."""

KEEP_A_FILE = "open('/scratch/kept', 'w').write('x')\nopen('/tmp/kept', 'w').write('x')"
FIND_A_FILE = "import os\nfor p in ('/scratch/kept', '/tmp/kept'):\n    if os.path.exists(p): print('GOT', p)"
END_THE_GROUP = "import os\nos.kill(0, 9)"
