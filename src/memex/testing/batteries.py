"""A store's durability promises, as batteries: each throws one kind of trouble at a store, many times."""

from __future__ import annotations

from memex.testing._batteries.clock import ClockBatteries
from memex.testing._batteries.erasing import EraseBatteries
from memex.testing._batteries.failing_disk import DiskBatteries
from memex.testing._batteries.hostile import HostileBatteries
from memex.testing._batteries.killing import KillBatteries
from memex.testing._batteries.power import PowerBatteries
from memex.testing._batteries.racing import RaceBatteries
from memex.testing._batteries.syncing import SyncBatteries


class StoreBatteries(
    KillBatteries,
    PowerBatteries,
    SyncBatteries,
    DiskBatteries,
    RaceBatteries,
    HostileBatteries,
    ClockBatteries,
    EraseBatteries,
):
    """x."""
