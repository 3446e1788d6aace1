"""What every store promises that keeps its threads in a file or a folder, as tests."""

from __future__ import annotations

from memex.testing._file_store.erasing import ErasingPromises
from memex.testing._file_store.faults import FaultPromises
from memex.testing._file_store.opening import OpeningPromises


class FileStoreContract(OpeningPromises, FaultPromises, ErasingPromises):
    """What a store owes to its path. Subclass it beside :class:`memex.testing.StoreContract`.

    ::

        from memex.testing import FileStoreContract

        def a_diary(path):
            path.write_text("dear diary")

        class TestPaperFile(FileStoreContract):
            file_name = "threads.paper"
            strangers = (a_diary,)

            def open_at(self, path, **settings):
                return PaperStore(path, **settings)

            def make_newer(self, path):
                path.write_text("paper 2")
                return "format 2.*Upgrade"

    A child process loads the class from its file to open the store, so it must stand at the top of its
    module. What a class does not say is skipped with a reason.

    Attributes:
        file_name: The name of the store's file or folder; its ending is the one that such stores have.
        strangers: Functions that put at a path what is no store of this kind. Each is refused, and stays
            as it was.
        refused: Settings that :meth:`open_at` refuses, each with the error and a pattern of what it says.
            They may name ``file.txt``, a file in the current folder.
        leaves_beside: Endings of files that reading a stranger's file may leave beside it.
        quick: Settings with which the store writes without waiting for the disk; where a test writes much
            that nobody takes the power from.
        file_limits: Sizes that no file may outgrow while a disk is full; a store that is new must fit.
        without_rights_says: A pattern of what is said about a folder that may only be read.
        full_disk_says: A word that is said when the disk is full.
    """
