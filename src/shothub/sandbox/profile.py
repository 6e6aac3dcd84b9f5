"""The labscript profile that guests see: curated, with nothing of the lab's secrets.

The suite reads its profile's configuration wherever it is imported. The lab's own names
its key for all traffic of the suite, so guests get one of ours, which has none.
"""

PROFILE = "/profile/labscript-suite"
USERLIB = f"{PROFILE}/userlib"
HOST_NAME = "guest"
APPARATUS = "{apparatus}"

LABCONFIG = """\
[DEFAULT]
apparatus_name = {apparatus}
shared_drive = /scratch
experiment_shot_storage = /scratch/shots
userlib = %(labscript_suite)s/userlib
pythonlib = %(userlib)s/pythonlib
labscriptlib = %(userlib)s/labscriptlib/%(apparatus_name)s
analysislib = %(userlib)s/analysislib/%(apparatus_name)s
app_saved_configs = /scratch/app_saved_configs
user_devices = user_devices

[paths]
connection_table_h5 = /scratch/connection_table.h5
connection_table_py = %(userlib)s/connection_table.py

[servers]
zlock = 127.0.0.1
runmanager = 127.0.0.1

[ports]
BLACS = 42517
lyse = 42519
runviewer = 42521
runmanager = 42523
zlock = 7339
zlog = 7340
zprocess_remote = 7341

[timeouts]
communication_timeout = 1

[labscript]
save_hg_info = False
save_git_info = False

[lyse]
integer_indexing = False

[security]
allow_insecure = True
"""

USERS = "lab:x:{uid}:{uid}::/profile:/nonexistent\n"
HOSTS = f"127.0.0.1 localhost {HOST_NAME}\n"

ENVIRONMENT = {
    "HOME": "/profile",
    "LOGNAME": "lab",
    "USER": "lab",
    "PATH": "/nonexistent",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    # labscript's own switch: no lock server is looked for or started.
    "READTHEDOCS": "1",
    "MPLBACKEND": "Agg",
    # The warm process must have one thread only, or forks of it could deadlock.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "HDF5_USE_FILE_LOCKING": "FALSE",
    "HDF5_PLUGIN_PATH": "::",
    "QT_QPA_PLATFORM": "offscreen",
}


def labconfig(apparatus_name: str) -> str:
    """Return the text of the guests' labconfig."""
    return LABCONFIG.replace(APPARATUS, apparatus_name)
