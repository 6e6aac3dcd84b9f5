"""The moody device's tab."""

from blacs.device_base_class import DeviceTab


class MoodyTab(DeviceTab):
    """No outputs, one worker."""

    def initialise_workers(self) -> None:
        worker = "user_devices.moody.blacs_workers.MoodyWorker"
        table = self.settings["connection_table"]
        properties = table.find_by_name(self.device_name).properties
        self.create_worker("main_worker", worker, dict(properties))
        self.primary_worker = "main_worker"
