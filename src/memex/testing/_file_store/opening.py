"""Opening: what is somebody else's stays as it is, and a path that makes no sense is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from memex import BadSetting, MemexError, StoreDamaged, StoreUnavailable
from memex.testing._file_store.case import FileStoreCase, Refused, Stranger, everything, in_one_line


class OpeningPromises(FileStoreCase):
    """What happens at a path that holds something, or cannot be."""

    def test_what_is_not_ours_is_refused_untouched(
        self, path: Path, tmp_path: Path, stranger: Stranger
    ) -> None:
        """The error says so, names the path, and not a byte has changed."""
        stranger(path)
        before = everything(tmp_path)
        with pytest.raises(StoreDamaged, match="untouched") as refused:
            self.open_at(str(path))
        assert str(path) in in_one_line(refused.value)
        assert self.is_untouched(tmp_path, before)

    def test_a_newer_format_is_refused_untouched(self, path: Path, tmp_path: Path) -> None:
        """Its refusal says what is needed to read it."""
        pattern = self.make_newer(path)
        before = everything(tmp_path)
        with pytest.raises(StoreDamaged, match="untouched") as refused:
            self.open_at(str(path))
        assert str(path) in in_one_line(refused.value)
        assert self.is_untouched(tmp_path, before)
        assert refused.match(pattern)

    @pytest.mark.parametrize("name", ["a?b#c%20d", "ü 线", "it's", "file:x"])
    def test_a_path_is_only_a_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """Never an address or a query, whatever it looks like; and it may be relative."""
        monkeypatch.chdir(tmp_path)
        name = self.file_named(name)
        self.fill(Path(name))
        self.fill(Path(name))
        assert [file.name for file in tmp_path.iterdir()] == [name]
        store = self.open_at(str(tmp_path / name))
        try:
            assert store.open_thread("t", create=False).head == 2
        finally:
            store.close()

    @pytest.mark.parametrize(
        ("where", "error"),
        [
            ("", BadSetting),
            ("a\0b", BadSetting),
            ("no/such/folder/x", StoreUnavailable),
            ("file.txt/x", StoreUnavailable),
        ],
    )
    def test_a_path_that_cannot_be_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: type[MemexError]
    ) -> None:
        """In one line, and nothing was made."""
        self._refuses(tmp_path, monkeypatch, {"path": where}, error, "")

    def test_wrong_settings_say_so_in_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: Refused
    ) -> None:
        """As the plugin's own table has it, beside a file ``file.txt``; and nothing was made."""
        self._refuses(tmp_path, monkeypatch, *setting)

    def _refuses(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        settings: Mapping[str, Any],
        error: type[MemexError],
        says: str,
    ) -> None:
        monkeypatch.chdir(folder)
        (folder / "file.txt").write_text("x")
        with pytest.raises(error, match=says or None) as refused:
            self.open_at(**{"path": self.file_name, **settings})
        in_one_line(refused.value)
        assert everything(folder) == {"file.txt": b"x"}
