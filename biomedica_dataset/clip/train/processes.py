"""The processes of a training, as torchrun or Slurm starts them; one without them."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require

_PATIENCE = timedelta(minutes=30)  # a reader waits up to five minutes at a time for its server


class Processes:
    """Rank, count and device of this process, and what all processes do together.

    Raises
    ------
    UsageError
        The environment names several processes, and not how they meet.
    """

    def __init__(self) -> None:
        self._torch: Any = require("torch", "clip")
        environment = require("open_clip_train.distributed", "clip").world_info_from_env
        local, self.rank, self.count = environment()
        cuda = self._torch.cuda.is_available()
        self.device = self._torch.device(f"cuda:{local}" if cuda else "cpu")
        if cuda:
            self._torch.cuda.set_device(self.device)
            self._torch.set_float32_matmul_precision("high")  # TF32, as in OpenCLIP's training
        if self.count > 1:
            if "MASTER_ADDR" not in os.environ:
                msg = (
                    f"the environment names {self.count} processes but no MASTER_ADDR: "
                    "start them with torchrun, or under srun with MASTER_ADDR and MASTER_PORT"
                )
                raise UsageError(msg)
            self._torch.distributed.init_process_group(
                "nccl" if cuda else "gloo",
                timeout=_PATIENCE,
                rank=self.rank,
                world_size=self.count,
                device_id=self.device if cuda else None,
            )

    def close(self) -> None:
        """Leave the group."""
        if self.count > 1:
            self._torch.distributed.destroy_process_group()

    def any(self, *values: bool) -> list[bool]:
        """Return of each value whether it is true of some process."""
        tensor = self._torch.tensor(values, dtype=self._torch.uint8, device=self.device)
        if self.count > 1:
            self._torch.distributed.all_reduce(tensor, op=self._torch.distributed.ReduceOp.MAX)
        return [bool(value) for value in tensor.tolist()]

    def mean(self, value: float) -> float:
        """Return the mean of a value over all processes; no number where one of them is none."""
        tensor = self._torch.tensor(value, device=self.device)
        if self.count > 1:
            self._torch.distributed.all_reduce(tensor)
        return float(tensor / self.count)

    def gather(self, value: Any) -> list[Any]:
        """Return the value of every process, by rank."""
        if self.count == 1:
            return [value]
        found: list[Any] = [None] * self.count
        self._torch.distributed.all_gather_object(found, value)
        return found
