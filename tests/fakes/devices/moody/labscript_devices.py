"""The moody device as connection tables name it."""

from typing import Any, ClassVar

from labscript import Device, set_passed_properties


class MoodyDevice(Device):
    """Obeys ``mood_file``: an empty file lets everything succeed."""

    allowed_children: ClassVar[list[type]] = []

    @set_passed_properties(
        property_names={"connection_table_properties": ["mood_file"]}
    )
    def __init__(self, name: str, mood_file: str, **options: Any) -> None:
        Device.__init__(self, name, None, None, **options)
        self.BLACS_connection = "moody"

    def generate_code(self, hdf5_file: Any) -> None:
        self.init_device_group(hdf5_file)
