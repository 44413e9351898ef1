#!/usr/bin/env python3
"""What reports and screens cost, beside plain SQL over the raw rows in SQLite and in DuckDB.

    export PATCHBAY_BENCH_ATTEMPTS=10000000 PATCHBAY_BENCH_FOLDER=/tmp/desk
    cargo bench --workspace --bench report --bench screens | tee /tmp/report.txt
    pip install duckdb
    python3 bench/report.py /tmp/desk /tmp/report.txt

The first command leaves the ledger that it made in the folder and prints its own times; this script copies the same rows into
DuckDB's own format, asks it the same questions over the same ranges, and prints all of them side by side. Compare the columns of one
run only.
"""

import csv
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb

TURNS = 15
QUESTIONS = {
    "by provider": ("s.provider", "true"),
    "by day": ("u.at // 86400000", "true"),
    "one app by model": ("s.model", "s.app = 'risk-guard'"),
    "answers by model": ("s.model", "s.outcome = 'answered'"),
}


def copied(folder: Path) -> duckdb.DuckDBPyConnection:
    """The rows in a database of DuckDB's own, made where it is not there yet."""
    db = duckdb.connect(str(folder / "rows.duckdb"))
    if is_there(db):
        return db
    ledger = sqlite3.connect(folder / "patchbay.db")
    for table, columns, order in (
        ("series", "id, connection_key, provider, model, app, feature, outcome, error_class", "id"),
        ("usage", "at, series_id, final, input_tokens, output_tokens, cached_tokens, cost_nano_usd, total_ms", "at"),
    ):
        with tempfile.NamedTemporaryFile("w", suffix=".csv", dir=folder) as file:
            rows = csv.writer(file)
            rows.writerow(columns.split(", "))
            rows.writerows(ledger.execute(f"SELECT {columns} FROM {table} ORDER BY {order}"))
            file.flush()
            db.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{file.name}', header = true)")
    return db


def is_there(db: duckdb.DuckDBPyConnection) -> bool:
    return db.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'usage'").fetchone()[0] > 0


def asked(db: duckdb.DuckDBPyConnection, key: str, condition: str, begin: int) -> tuple[float, int]:
    """The middle of some turns in milliseconds, and of how many attempts was told."""
    sql = (
        f'SELECT {key} AS key, count(*), sum("final"), sum(input_tokens), sum(output_tokens), sum(cost_nano_usd)'
        f" FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= {begin} AND {condition} GROUP BY key"
    )
    attempts = sum(row[1] for row in db.execute(sql).fetchall())
    return middle(db, [sql]), attempts


def middle(db: duckdb.DuckDBPyConnection, questions: list[str]) -> float:
    """The middle of some turns in milliseconds."""
    times = []
    for _ in range(TURNS):
        began = time.perf_counter()
        for sql in questions:
            db.execute(sql).fetchall()
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times)


def of_screen(name: str, marks: dict[str, str]) -> list[str]:
    """What a screen shows, asked of the raw rows."""
    own = (Path(__file__).parent / "screens.sql").read_text().split(f"-- {name}\n")[1].split("\n-- ")[0]
    for mark, at in marks.items():
        own = own.replace(f":{mark}", at)
    return [sql for sql in own.split(";") if sql.strip()]


def main() -> None:
    folder, report = Path(sys.argv[1]), Path(sys.argv[2]).read_text()
    begins = dict(re.findall(r"^(\d+) days begin at (\d+)$", report, re.MULTILINE))
    lines = re.findall(r"^(.+), (\d+) days: (\S+) ms, raw rows (\S+) ms, (\d+) attempts$", report, re.MULTILINE)
    db = copied(folder)
    print("| question | attempts | Patchbay | SQLite, raw rows | DuckDB, raw rows |\n|---|---|---|---|---|")
    for name, days, own, sqlite, attempts in lines:
        duck, told = asked(db, *QUESTIONS[name], int(begins[days]))
        if told != int(attempts):
            sys.exit(f"{name}, {days} days: DuckDB tells of {told} attempts, Patchbay of {attempts}")
        own, sqlite = float(own), float(sqlite)
        print(
            f"| {name}, {days} days | {told:,} | {own:.2f} ms"
            f" | {sqlite:.1f} ms ({sqlite / own:.0f} x) | {duck:.1f} ms ({duck / own:.1f} x) |"
        )
    screens = r"^screen (\w+), today (\d+), from (\d+), prior (-?\d+): (\S+) ms, raw rows (\S+) ms$"
    print("\n| screen, from | Patchbay | SQLite, raw rows | DuckDB, raw rows |\n|---|---|---|---|")
    for name, today, begin, prior, own, sqlite in re.findall(screens, report, re.MULTILINE):
        duck = middle(db, of_screen(name, {"today": today, "from": begin, "prior": prior}))
        own, sqlite = float(own), float(sqlite)
        print(
            f"| {name}, {begin} | {own:.1f} ms"
            f" | {sqlite:.0f} ms ({sqlite / own:.0f} x) | {duck:.1f} ms ({duck / own:.1f} x) |"
        )


if __name__ == "__main__":
    main()
