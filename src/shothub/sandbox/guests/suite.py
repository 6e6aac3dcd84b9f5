"""The labscript suite, imported before anything else of it and without its threads.

The suite's file locking must be imported before h5py; its file watcher would start a
thread, and a process with threads cannot be forked safely.
"""

import labscript_utils.filewatcher


class NoWatcher:
    """Takes the place of the suite's file watcher: nothing changes during a run."""

    def __init__(self, *_args: object, **_options: object) -> None:
        pass

    def add_file(self, _path: str) -> None:
        pass


labscript_utils.filewatcher.FileWatcher = NoWatcher

import labscript_utils.h5_lock  # noqa: E402
