#!/usr/bin/env python3
"""How fast attempts are exported, and how much memory that takes: of the last months, and of everything.

    cargo build --release -p patchbay-cli
    python3 bench/export.py target/release/patchbay /tmp/desk --days 110 --days 1095

The folder holds a ledger that a benchmark left there (`PATCHBAY_BENCH_FOLDER`). Each export ends in a scratch folder beside it, which
needs as much room as the files, and for Excel as much again ten times over.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

FORMATS = {"csv": "--csv", "json": "--json-rows", "parquet": "--parquet", "xlsx": "--xlsx"}


def export(binary: str, folder: Path, days: int, option: str, path: Path) -> tuple[int, float, int]:
    """Attempts, seconds, and kilobytes of memory at the peak."""
    command = [binary, "--data-dir", str(folder), "--json", "usage", "--days", str(days), option, str(path)]
    environment = {**os.environ, "TMPDIR": str(path.parent)}
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return json.loads(said)["entries"], seconds, used.ru_maxrss


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--days", type=int, action="append", required=True)
    arguments.add_argument("--format", choices=FORMATS, action="append")
    chosen = arguments.parse_args()
    print("| format | attempts | rows/s | peak memory | file |\n|---|---|---|---|---|")
    for name in chosen.format or FORMATS:
        for days in chosen.days:
            with tempfile.TemporaryDirectory(dir=chosen.folder) as scratch:
                path = Path(scratch) / f"attempts.{name}"
                rows, seconds, kilobytes = export(chosen.binary, chosen.folder, days, FORMATS[name], path)
                size = path.stat().st_size / 1e6
            print(f"| {name} | {rows:,} | {rows / seconds:,.0f} | {kilobytes / 1024:.1f} MiB | {size:,.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
