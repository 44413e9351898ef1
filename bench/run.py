#!/usr/bin/env python3
"""How fast the gateway is beside plain nginx, in one run: the same mock provider, the same load, one after the other.

Figures of one machine on one day say little; the ratios are what to compare. Wants nginx, wrk, and a release build of the
command line: `cargo build --release -p patchbay-cli`.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BODY = json.dumps(
    {"model": "whole/m", "messages": [{"role": "user", "content": "Is EURUSD a buy? Answer in one sentence."}]}
)
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hold. " * 20}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52},
}
EVENTS = 32
NGINX = """
worker_processes {workers};
daemon off;
pid {folder}/{name}.pid;
error_log {folder}/{name}.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/{name}-body;
  proxy_temp_path {folder}/{name}-proxy;
  fastcgi_temp_path {folder}/{name}-f; uwsgi_temp_path {folder}/{name}-u; scgi_temp_path {folder}/{name}-s;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  {rest}
}}
"""
# A POST to a file is a 405, which leads to the file.
UPSTREAM = """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {folder}/www;
    location /whole/ {{ default_type application/json; error_page 405 =200 /whole.json; return 405; }}
    location /stream/ {{ default_type text/event-stream; error_page 405 =200 /stream.sse; return 405; }}
    location = /whole.json {{ types {{ application/json json; }} }}
    location = /stream.sse {{ types {{ text/event-stream sse; }} }}
  }}
"""
PROXY = """
  upstream provider {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
"""
LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {token}"
wrk.body = [[{body}]]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process with its children: how much processor and memory they take."""

    def __init__(self, process):
        self.process = process

    def pids(self):
        found = [self.process.pid]
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            found += [int(pid) for pid in (task / "children").read_text().split()]
        return found

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def mib(self, what):
        status = [Path(f"/proc/{pid}/status").read_text() for pid in self.pids()]
        return sum(int(re.search(rf"{what}:\s+(\d+)", text)[1]) for text in status) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def nginx(folder, name, rest, workers):
    config = folder / f"{name}.conf"
    config.write_text(NGINX.format(folder=folder, name=name, rest=rest, workers=workers))
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL)
    return Server(process)


def wait_for(port):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
    sys.exit(f"nothing listens on port {port}")


class Patchbay(Server):
    def __init__(self, binary, folder, upstream):
        self.command = [binary, "--data-dir", str(folder / "data"), "--vault", "memory"]
        for name in ("whole", "stream"):
            self.run(
                "connections", "add", "--provider", "compatible", "--name", name, "--key", name, "--model", "m",
                "--base-url", f"http://127.0.0.1:{upstream}/{name}/v1", "--no-api-key", "--untested",
            )  # fmt: skip
        self.token = json.loads(self.run("--json", "apps", "add", "bench"))["token"]
        began = time.monotonic()
        process = subprocess.Popen([*self.command, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        self.listening_ms = (time.monotonic() - began) * 1000
        self.port = int(line.rsplit(":", 1)[1])
        super().__init__(process)
        self.idle_mib = self.mib("VmRSS")

    def run(self, *args):
        return subprocess.run([*self.command, *args], check=True, capture_output=True, text=True).stdout


class Target:
    """Somebody to be loaded: where, and how it is asked."""

    def __init__(self, name, server, port, token="none"):
        self.name, self.server, self.port, self.token = name, server, port, token

    def path(self, kind):
        return "/v1/chat/completions" if self.name == "patchbay" else f"/{kind}/v1/chat/completions"

    def body(self, kind):
        body = json.loads(BODY)
        body["model"] = f"{kind}/m"
        return json.dumps({**body, "stream": True} if kind == "stream" else body)

    def load(self, folder, kind, connections, seconds):
        script = folder / f"{self.name}-{kind}.lua"
        script.write_text(LUA.format(token=self.token, body=self.body(kind)))
        url = f"http://127.0.0.1:{self.port}{self.path(kind)}"
        before = self.server.cpu_seconds()
        told = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        cpu = self.server.cpu_seconds() - before
        done = int(re.search(r"(\d+) requests in", told)[1])
        if failed := re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)", told):
            print(f"  {self.name}: {failed[0]}", file=sys.stderr)
        return {
            "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1]),
            "p50_us": micros(re.search(r"50%\s+([\d.]+\w+)", told)[1]),
            "p99_us": micros(re.search(r"99%\s+([\d.]+\w+)", told)[1]),
            "cpu_us": cpu / max(done, 1) * 1e6,
        }

    def one_by_one(self, kind, count, pause=0.0):
        """Microseconds to the first byte of the body of each answer, on one warm connection."""
        body = self.body(kind).encode()
        head = f"POST {self.path(kind)} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {self.token}\r\n"
        request = f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        times = []
        with socket.create_connection(("127.0.0.1", self.port)) as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(count):
                began = time.perf_counter_ns()
                stream.sendall(request)
                times.append((read_answer(stream) - began) / 1000)
                if pause:
                    time.sleep(max(0.0, pause - (time.perf_counter_ns() - began) / 1e9))
        return times[count // 10 :]


def read_answer(stream):
    """Reads one whole answer, and tells when the first byte of its body came."""
    answer = body = b""
    while not body:
        answer += stream.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
    first = time.perf_counter_ns()
    if length := re.search(rb"content-length: (\d+)", head, re.I):
        while len(body) < int(length[1]):
            body += stream.recv(65536)
    else:
        while not body.endswith(b"0\r\n\r\n"):
            body += stream.recv(65536)
    return first


def micros(text):
    number, unit = re.match(r"([\d.]+)(\w+)", text).groups()
    return float(number) * {"us": 1, "ms": 1_000, "s": 1_000_000}[unit]


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def row(name, reached, target, good):
    print(f"  {name:<46} {reached:>12}   {target:<22} {'ok' if good else 'missed'}")


def report(folder, seconds, proxy, patchbay):
    print(f"nginx and Patchbay before the same provider, {os.cpu_count()} cores, {seconds} s each\n")
    for connections in (16, 128):
        plain = proxy.load(folder, "whole", connections, seconds)
        ours = patchbay.load(folder, "whole", connections, seconds)
        print(f"  c={connections}: nginx {plain['rps']:.0f}/s p50 {plain['p50_us']:.0f} µs p99 {plain['p99_us']:.0f} µs, "
              f"Patchbay {ours['rps']:.0f}/s p50 {ours['p50_us']:.0f} µs p99 {ours['p99_us']:.0f} µs")  # fmt: skip
        share = ours["rps"] / plain["rps"]
        row(f"requests/s, c={connections}", f"{share:.2f} x nginx", "at least 0.40", share >= 0.40)
        if connections == 16:
            row("processor a call", f"{ours['cpu_us']:.0f} µs", f"80 (nginx {plain['cpu_us']:.0f})", ours["cpu_us"] <= 80)
    plain, ours = (one.load(folder, "stream", 16, seconds) for one in (proxy, patchbay))
    share = ours["rps"] / plain["rps"]
    row("streams/s, c=16", f"{ours['rps']:.0f}", "2500 or 0.25 x nginx", ours["rps"] >= 2500 or share >= 0.25)
    row(f"processor a stream of {EVENTS}", f"{ours['cpu_us']:.0f} µs", f"300 (nginx {plain['cpu_us']:.0f})", ours["cpu_us"] <= 300)
    peak = patchbay.server.mib("VmHWM")
    plain, ours = (statistics.median(one.one_by_one("whole", 2_000)) for one in (proxy, patchbay))
    row("added p50, c=1", f"{ours - plain:.0f} µs", "120 µs", ours - plain <= 120)
    plain, ours = (statistics.median(one.one_by_one("stream", 1_000)) for one in (proxy, patchbay))
    row("added to a stream's first byte, c=1", f"{ours - plain:.0f} µs", "300 µs", ours - plain <= 300)
    plain, ours = (percentile(one.one_by_one("whole", 100 * seconds, 0.01), 0.99) for one in (proxy, patchbay))
    row("added p99 at 100 requests/s", f"{ours - plain:.0f} µs", "1000 µs", ours - plain <= 1000)
    row("memory, idle", f"{patchbay.server.idle_mib:.0f} MiB", "25 MiB", patchbay.server.idle_mib <= 25)
    row("memory, peak", f"{peak:.0f} MiB", "60 MiB", peak <= 60)
    row("time to listening", f"{patchbay.server.listening_ms:.0f} ms", "100 ms", patchbay.server.listening_ms <= 100)
    totals = json.loads(patchbay.server.run("--json", "usage"))["totals"]
    print(f"\n  the ledger was on: {totals['attempts']} attempts, {totals['input_tokens']} input tokens")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", default=str(ROOT / "target/release/patchbay"))
    arguments.add_argument("--seconds", type=int, default=5)
    given = arguments.parse_args()
    for program in ("nginx", "wrk", given.binary):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: see the head of {Path(__file__).name}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        www = folder / "www"
        www.mkdir()
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        events = [
            {**chunk, "choices": [{"index": 0, "delta": {"content": "Hold. "}, "finish_reason": None}]}
            for _ in range(EVENTS - 1)
        ]
        last = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": ANSWER["usage"]}
        (www / "whole.json").write_text(json.dumps(ANSWER))
        lines = [f"data: {json.dumps(event)}\n\n" for event in [*events, last]]
        (www / "stream.sse").write_text("".join(lines) + "data: [DONE]\n\n")
        upstream, proxy = free_port(), free_port()
        servers = [nginx(folder, "upstream", UPSTREAM.format(port=upstream, folder=folder), 1)]
        try:
            servers.append(nginx(folder, "proxy", PROXY.format(port=proxy, upstream=upstream), "auto"))
            wait_for(upstream)
            wait_for(proxy)
            patchbay = Patchbay(given.binary, folder, upstream)
            servers.append(patchbay)
            both = Target("nginx", servers[1], proxy), Target("patchbay", patchbay, patchbay.port, patchbay.token)
            report(folder, given.seconds, *both)
        finally:
            for server in servers:
                server.stop()


main()
