"""A store's durability promises, as batteries: each throws one kind of trouble at a store, many times."""

from __future__ import annotations

from memex.testing._batteries.clock import ClockBatteries
from memex.testing._batteries.erasing import EraseBatteries
from memex.testing._batteries.failing_disk import DiskBatteries
from memex.testing._batteries.hostile import HostileBatteries
from memex.testing._batteries.killing import KillBatteries
from memex.testing._batteries.modelling import ModelBatteries
from memex.testing._batteries.power import PowerBatteries
from memex.testing._batteries.racing import RaceBatteries
from memex.testing._batteries.syncing import SyncBatteries


class StoreBatteries(
    ModelBatteries,
    KillBatteries,
    PowerBatteries,
    SyncBatteries,
    DiskBatteries,
    RaceBatteries,
    HostileBatteries,
    ClockBatteries,
    EraseBatteries,
):
    """What happens to a store in its life, often. Subclass it beside :class:`memex.testing.StoreContract`.

    ::

        from memex.testing import StoreBatteries

        class TestPaperBatteries(StoreBatteries):
            persistent = True

            def open_store(self, folder, namespace="default"):
                return PaperStore(str(folder / "paper"), namespace=namespace)

    Each battery prints a line with its figures at the end of the run. The sizes here are quick
    ones; ``MEMEX_BATTERIES=full`` in the environment asks for those in brackets. A tool that is
    not installed skips its battery and says what to install; ``MEMEX_BATTERIES=strict`` makes that
    a failure. Both: ``MEMEX_BATTERIES=full,strict``. They need Linux, and carry the marker ``battery``.

    Attributes:
        persistent: Whether the data outlives the store object. If not, only the model, races within one
            process, hostile text and the clock are left.
        processes: Whether several processes may use it at once.
        own_files: Whether this process writes the data into files of the folder. If not, as with
            a database server, power cuts, syncing, disks and erasing are left out.
        model_histories: How many random histories are compared with a model: 100 (2,000).
        model_steps: How long each of them is, at most.
        kill_trials: How often a process is killed while it appends, or idles: 16 (300).
        kill_sizes: How long the messages are then.
        once_trials: How often one is killed between storing and telling, and sends again: 30 (300).
        power_cuts: How often the power is cut: 24 (200). Every other cut leaves a random part of
            what was not synced.
        power_sizes: How long the messages are then.
        names_last: Whether a new file's name survives without its folder being synced. It does not
            on the strictest file systems; a store that needs it should say so.
        synced_appends: How many appends are watched for syncs: 40 (400).
        most_syncs: How many syncs an append may cost, on average.
        full_disks: How often the disk fills up: 4 (40).
        disk_bytes: Its size.
        failing_appends: How many turns meet a disk that fails: 200 (2,000).
        failing_share: Which share of its calls fails.
        disk_sizes: How long the messages are on these disks.
        cold_starts: How often processes race for a new store: 2 (20).
        race_processes: How many race.
        process_appends: How many turns each appends: 25 (50).
        race_threads: How many threads race.
        thread_appends: How many turns each appends: 15 (100).
        race_tasks: How many asyncio tasks race: 40 (100).
        task_appends: How many turns each appends: 6 (20).
        long_text: How many characters the longest text has: 1,000,000 (10,000,000).
        long_thread: How many messages the longest thread has: 3,000 (100,000).
        clock_appends: How many messages are appended while the clock goes back: 40 (400).
        clock_back: How far, as ``faketime`` writes it.
        canaries: How many messages are written, about half of which are forgotten: 60 (600).
    """
