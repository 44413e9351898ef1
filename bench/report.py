#!/usr/bin/env python3
"""What reports over three years cost, beside plain SQL over the raw rows in SQLite and in DuckDB.

    PATCHBAY_BENCH_ATTEMPTS=10000000 PATCHBAY_BENCH_FOLDER=/tmp/years \\
        cargo bench -p patchbay-store --bench report -- --quick | tee /tmp/report.txt
    pip install duckdb
    python3 bench/report.py /tmp/years /tmp/report.txt

The first command leaves the ledger that it filled in the folder and prints its own times; this script copies the same rows into
DuckDB's own format, asks it the same questions, and prints all of them side by side. Compare the columns of one run only.
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

NOW = 1_795_189_320_000
DAY_MS = 86_400_000
TURNS = 5
QUESTIONS = {
    "by provider": ("s.provider", "true"),
    "by day": ("u.at // 86400000", "true"),
    "one app by model": ("s.model", "s.app = 'a3'"),
    "answers by model": ("s.model", "s.outcome = 'answered'"),
}
UNITS = {"ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3}


def measured(report: str) -> dict[str, float]:
    """The middle of what criterion says of each question, in milliseconds."""
    pattern = r"attempts/(.+?)\s+time:\s+\[\S+ \S+ (\S+) (\S+) \S+ \S+\]"
    return {name: float(value) * UNITS[unit] for name, value, unit in re.findall(pattern, report)}


def copied(folder: Path) -> duckdb.DuckDBPyConnection:
    """The rows in a database of DuckDB's own, made where it is not there yet."""
    db = duckdb.connect(str(folder / "rows.duckdb"))
    if is_there(db):
        return db
    ledger = sqlite3.connect(folder / "patchbay.db")
    for table, columns, order in (
        ("series", "id, provider, model, app, outcome", "id"),
        ("usage", "at, series_id, final, input_tokens, output_tokens, cost_nano_usd, total_ms", "at"),
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


def asked(db: duckdb.DuckDBPyConnection, key: str, condition: str, days: int) -> float:
    sql = (
        f'SELECT {key} AS key, count(*), sum("final"), sum(input_tokens), sum(output_tokens), sum(cost_nano_usd)'
        f" FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= {NOW - days * DAY_MS} AND {condition} GROUP BY key"
    )
    db.execute(sql).fetchall()
    times = []
    for _ in range(TURNS):
        began = time.perf_counter()
        db.execute(sql).fetchall()
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times)


def main() -> None:
    folder, report = Path(sys.argv[1]), measured(Path(sys.argv[2]).read_text())
    db = copied(folder)
    print("| question | Patchbay | SQLite, raw rows | DuckDB, raw rows |\n|---|---|---|---|")
    for days in (30, 1_095):
        for name, (key, condition) in QUESTIONS.items():
            question = f"{name}, {days} days"
            own, sqlite = report[question], report[f"{question}, raw rows"]
            duck = asked(db, key, condition, days)
            print(f"| {question} | {own:.2f} ms | {sqlite:.0f} ms ({sqlite / own:.0f} x) | {duck:.1f} ms ({duck / own:.1f} x) |")


if __name__ == "__main__":
    main()
