"""What the simulated devices do in a shot, in processes of their own."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import labscript_utils.h5_lock  # noqa: F401  (the suite wants it before h5py)

# isort: split
import h5py
from blacs.tab_base_classes import Worker
from labscript_utils.shared_drive import path_to_local

from shothub.sim.frames import seed_of, take_frames
from shothub.sim.physics.imaging import Camera
from shothub.sim.shot_file import pack, read_exposures, read_program, write_images


class SimulatedOutputsWorker(Worker):  # type: ignore[misc]
    """Accepts manual values and tables; the camera reads what they mean."""

    def program_manual(self, values: dict[str, Any]) -> dict[str, Any]:
        return values

    def transition_to_buffered(
        self, device_name: str, h5_file: str, initial_values: Any, fresh: Any
    ) -> dict[str, Any]:
        """Return the values on which the shot leaves the outputs."""
        final: dict[str, Any] = {}
        with h5py.File(path_to_local(h5_file), "r") as file:
            device = file["devices"][device_name]
            for table in (device["AO"], device["DO"]):
                if len(table) and table.dtype.names:
                    last = table[len(table) - 1]
                    final |= {port: last[port].item() for port in table.dtype.names}
        return final

    def transition_to_manual(self) -> bool:
        return True

    def abort_buffered(self) -> bool:
        return True

    def abort_transition_to_buffered(self) -> bool:
        return True

    def shutdown(self) -> None:
        return


class SimulatedCameraWorker(Worker):  # type: ignore[misc]
    """Computes the images while the shot runs and writes them when it has ended."""

    camera_properties: dict[str, Any]
    device_name: str

    def init(self) -> None:
        properties = self.camera_properties
        self.camera = camera_of(properties)
        self.seed = int(properties["seed"])
        self.orientation = properties["orientation"] or self.device_name
        self.computer = ThreadPoolExecutor(max_workers=1)
        self.images: Future[Any] | None = None
        self.h5_file = ""

    def program_manual(self, values: dict[str, Any]) -> dict[str, Any]:
        return {}

    def transition_to_buffered(
        self, device_name: str, h5_file: str, initial_values: Any, fresh: Any
    ) -> dict[str, Any]:
        """Read the shot's tables and begin to compute its images."""
        self.h5_file = path_to_local(h5_file)
        with h5py.File(self.h5_file, "r") as file:
            exposures = read_exposures(file["devices"][device_name])
            program = read_program(file)
            seed = seed_of(dict(file.attrs), self.seed)
        if exposures:
            camera = self.camera
            self.images = self.computer.submit(
                lambda: pack(take_frames(program, exposures, camera, seed))
            )
        return {}

    def transition_to_manual(self) -> bool:
        """Write the images into the shot file."""
        if self.images is not None:
            packed = self.images.result()
            with h5py.File(self.h5_file, "r+") as file:
                write_images(
                    file, f"images/{self.orientation}", self._attributes(), packed
                )
        return self._forget()

    def abort_buffered(self) -> bool:
        return self._forget()

    def abort_transition_to_buffered(self) -> bool:
        return self._forget()

    def shutdown(self) -> None:
        self.computer.shutdown(wait=False, cancel_futures=True)

    def _forget(self) -> bool:
        self.images, self.h5_file = None, ""
        return True

    def _attributes(self) -> dict[str, Any]:
        camera = self.camera
        return {
            "camera": self.device_name,
            "failed_shot": False,
            "pixel_at_atoms": camera.pixel,
            "quantum_efficiency": camera.quantum_efficiency,
            "electrons_per_count": camera.electrons_per_count,
            "read_noise": camera.read_noise,
        }


def camera_of(properties: dict[str, Any]) -> Camera:
    """Return the camera of the connection table's properties."""
    rows, columns = properties["shape"]
    return Camera(
        shape=(int(rows), int(columns)),
        pixel=properties["pixel_size"][0] * 1e-6 / properties["magnification"],
        quantum_efficiency=properties["quantum_efficiency"],
        electrons_per_count=properties["electrons_per_count"],
        read_noise=properties["read_noise"],
    )
