"""One process of a training: its steps, and checkpoints from which it resumes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NoReturn

from biomedica_dataset.clip.models.open_clip import CONFIG, export, make_model
from biomedica_dataset.engine.timings import Timings, measured
from biomedica_dataset.errors import (
    BiomedicaError,
    DivergedError,
    PreemptedError,
    SourceError,
    UsageError,
)
from biomedica_dataset.extras import require
from biomedica_dataset.images.device_decode import decoding_device
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.typed import typed

from .checkpoint import latest_checkpoint, load_latest, plain, remove_old, restoring, save
from .data import Batch, Pairs, Position, Prefetcher, choose_pairs, tally
from .gradients import Gradients
from .model_card import trained_card
from .optimizer import learning_rate, make_optimizer
from .prepare import Prepare
from .tensorboard import TrainingLog

if TYPE_CHECKING:
    from biomedica_dataset.engine.lock import RunLock

    from .config import TrainConfig
    from .processes import Processes


class Training:
    """One process of a training; see `train`.

    Attributes
    ----------
    step, loss
        Steps done so far, and the loss of the last one.
    """

    def __init__(
        self,
        config: TrainConfig,
        group: Processes,
        say: Callable[[str], None],
        timings: Timings | None = None,
    ) -> None:
        self._torch: Any = require("torch", "clip")
        self._config, self._group, self._say, self._timings = config, group, say, timings
        self._folder = Folder(config.output)
        self._micro, self._accumulate = _shares(config, group.count)
        self._chosen = choose_pairs(config.data, config.seed)
        self._identity = {**config.decisive, "manifest of the data": self._chosen.index.digest}
        if len(set(group.gather(self._chosen.index.digest))) > 1:
            msg = f"{config.data.path} changed while the processes opened it; start again"
            raise SourceError(msg)
        # First, as weights may have to be fetched.
        device = decoding_device(config.data.decoder, str(group.device))
        self._torch.manual_seed(config.seed)
        self._model = make_model(config.model)
        self._module = self._model.module.to(group.device)
        self._torch.manual_seed(config.seed + group.rank)
        self._optimizer = make_optimizer(self._module, config.optimizer)
        self._gradients = Gradients(self._module, config.precision, group)
        made = self._model
        prepare = Prepare(
            made.size, made.transform, made.tokenizer, config.data.decode, timings, device
        )
        place = group.rank, group.count
        self._pairs = Pairs(self._chosen, config.data, prepare, config.seed, place)
        self.step = self._saved = 0
        self.loss: float | None = None
        self._position = Position()
        self._stopping = False
        self._prefetcher: Prefetcher | None = None
        self._log: TrainingLog | None = None
        self._lock: RunLock | None = None

    def close(self) -> None:
        """End the processes that prepare pairs, and close the file of events."""
        if self._log is not None:
            self._log.close()
        if self._prefetcher is not None:
            self._prefetcher.close()
        self._pairs.close()

    def stop(self) -> None:
        """Ask for an end before the next step."""
        self._stopping = True

    def resume(self) -> None:
        """Go on from the latest checkpoint, if there is one."""
        state = load_latest(self._folder, self._identity, self._group.count)
        if state is None:
            if self._folder.exists(CONFIG):
                url = self._folder.url
                msg = f"{url} holds a model but no checkpoint of it; choose a new output"
                raise UsageError(msg)
            return
        with restoring(self._folder.path(latest_checkpoint(self._folder) or "")):
            mine = state["processes"][self._group.rank]
            self._module.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._gradients.scaler.load_state_dict(state["scaler"])
            self._torch.set_rng_state(mine["random"])
            if self._group.device.type == "cuda" and "cuda" in mine:
                self._torch.cuda.set_rng_state(mine["cuda"], self._group.device)
            self._position = typed(Position, mine["position"])
        self.step, self.loss = state["step"], state["loss"]
        self._saved = self.step
        self._say(f"resumes after step {self.step:,}")

    def run(self, lock: RunLock | None) -> None:
        """Make all steps that are left, then write the model.

        Parameters
        ----------
        lock
            That of the output, in the first process.
        """
        config, self._lock = self._config, lock
        self._introduce()
        coming = self._pairs.batches(self._micro, self._position)
        self._prefetcher = Prefetcher(coming, self._accumulate if config.data.workers else 0)
        self._log = TrainingLog(config, self._say, self.step) if lock else None
        while self.step < config.steps:
            batches = self._next()
            with measured(self._timings, "training"):
                self._advance(batches)
            is_last = self.step == config.steps
            if self._log and (self.step % config.log_every == 0 or is_last):
                scale = float(self._module.logit_scale.detach().exp())
                rate = self._optimizer.param_groups[0]["lr"]
                self._log.write(self.step, self.loss or 0.0, scale, rate, self._prefetcher.waited)
            if self.step % config.checkpoint_every == 0 or is_last:
                self._checkpoint()
        self._finish()

    def _introduce(self) -> None:
        config, rows = self._config, len(self._chosen.table)
        trained = sum(p.numel() for p in self._module.parameters() if p.requires_grad)
        self._say(str(self._chosen))
        self._say(
            f"{trained:,} weights are trained; {config.steps:,} steps of {config.global_batch:,} "
            f"pairs, {config.steps * config.global_batch / rows:,.2f} epochs; "
            f"{self._group.count} x {self._accumulate} x {self._micro:,} pairs a step, "
            f"{config.precision}, on {self._group.device.type}"
        )

    def _advance(self, batches: list[Batch]) -> None:
        device, config = self._group.device, self._config
        rate = learning_rate(self.step, config)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad()
        given = []
        for batch in batches:
            images, tokens = (x.to(device, non_blocking=True) for x in (batch.images, batch.tokens))
            given.append((self._model.pixels(images), tokens))
        loss = self._gradients.add(given)
        norm = self._gradients.clip(self._optimizer, config.optimizer.clip)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            last = latest_checkpoint(self._folder)
            where = self._folder.path(last) if last else "none was written yet"
            msg = (
                f"the loss of step {self.step + 1} is {loss:.4g}, the norm of its gradient "
                f"{norm:.4g}; the last checkpoint: {where}. Lower optimizer.lr, in a new output"
            )
            raise DivergedError(msg)
        self._gradients.take_step(self._optimizer)
        with self._torch.no_grad():
            self._module.logit_scale.clamp_(0, math.log(100))
        self.step += 1
        self.loss, self._position = loss, batches[-1].position

    def _next(self) -> list[Batch]:
        """Return the micro-batches of a step, unless a process has none or is asked to end."""
        assert self._prefetcher is not None
        batches, failure = [], None
        try:
            with measured(self._timings, "waiting for batches"):
                batches = [self._prefetcher.next() for _ in range(self._accumulate)]
        except BiomedicaError as error:
            failure = error
        failed, stopping = self._group.any(failure is not None, self._stopping)
        if failed or stopping:
            self._leave(failure, failed=failed)
        return batches

    def _leave(self, failure: BiomedicaError | None, *, failed: bool) -> NoReturn:
        if self.step > self._saved:
            self._checkpoint()
        kept = f"a checkpoint of step {self.step:,} is written" if self.step else "no step was done"
        if failure is not None:
            msg = f"{failure}; {kept}: run the same command again to resume"
            raise type(failure)(msg) from failure
        if failed:
            msg = f"another process has run out of data; {kept}: see its error"
            raise SourceError(msg)
        msg = f"stopped by SIGTERM: {kept}; run the same command again to resume"
        raise PreemptedError(msg)

    def _checkpoint(self) -> None:
        position = json.dumps(asdict(self._position))
        mine = {"position": position, "random": self._torch.get_rng_state()}
        if self._group.device.type == "cuda":
            mine["cuda"] = self._torch.cuda.get_rng_state(self._group.device)
        everyone = self._group.gather(mine)
        if self._lock:
            self._lock.check()
            state = {
                "step": self.step,
                "loss": self.loss,
                "identity": plain(self._identity),
                "model": self._module.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "scaler": self._gradients.scaler.state_dict(),
                "processes": everyone,
            }
            save(self._folder, state, self._config.keep)
        self._saved = self.step

    def _finish(self) -> None:
        seen = tally(self._group.gather(self._position))
        if self._lock is None:
            return
        self._lock.check()
        remove_old(self._folder, self._config.keep)  # an earlier run may have been killed before
        groups, manifest = self._chosen.table["license_group"], self._chosen.index.digest
        card = trained_card(
            self._config, manifest=manifest, groups=groups.to_pylist(), tally=seen, loss=self.loss
        )
        export(self._folder, self._model, card)
        for line in seen.lines("pairs"):
            self._say(line)
        if self._folder.is_local:
            self._say(f"OpenCLIP loads the model as local-dir:{self._folder.url}")


def _shares(config: TrainConfig, processes: int) -> tuple[int, int]:
    """Return the pairs of a micro-batch, and how many of them a process takes in a step."""
    share, rest = divmod(config.global_batch, processes)
    micro = min(config.micro_batch, share)
    if rest or not share or share % micro:
        msg = (
            f"global_batch must be a multiple of {processes} processes times micro_batch "
            f"{config.micro_batch}, not {config.global_batch}"
        )
        raise UsageError(msg)
    return micro, share // micro
