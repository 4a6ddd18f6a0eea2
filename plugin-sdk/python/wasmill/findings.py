"""What is wrong with which rows: rows that share rule, column and message share a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class Findings:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str | None, str], list[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._rows)

    def add(self, row: int, rule: str, column: str | None, message: str) -> None:
        self._rows.setdefault((rule, column, message), []).append(row)

    def add_all(self, rows: Iterable[int], rule: str, column: str | None, message: str) -> None:
        rows = list(rows)
        if rows:
            self._rows.setdefault((rule, column, message), []).extend(rows)

    def rows(self) -> set[int]:
        return {row for rows in self._rows.values() for row in rows}

    def __iter__(self) -> Iterator[tuple[list[int], str, str | None, str]]:
        """Rows (ascending, each once), rule, column, message."""
        for (rule, column, message), rows in self._rows.items():
            yield sorted(set(rows)), rule, column, message
