"""A command and all its descendants: how long they take, and how much memory they hold together."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from bench.process import ROOT, Run, started

EVERY_SECONDS = 0.2
LONGEST_REASON = 300


class Memory(threading.Thread):
    """Samples what a process and its descendants hold; `peak` is the most seen, in bytes.

    The proportional set size (PSS) counts a page that processes share once in all. Where the
    system does not tell it, resident sets are added up, shared pages and all: more, never less.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.root = psutil.Process(pid)
        self.peak = self.processes = 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            held = [_held(process) for process in self._family()]
            self.peak = max(self.peak, sum(held))
            self.processes = max(self.processes, sum(size > 0 for size in held))

    def stop(self) -> None:
        self._over.set()
        self.join()

    def _family(self) -> list[psutil.Process]:
        try:
            return [self.root, *self.root.children(recursive=True)]
        except psutil.Error:
            return []


def _held(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.Error:
        return 0


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    limit: float,
    address_space: int | None = None,
) -> Run:
    """Run the command: status (`done`, or its exit code and last line), seconds, peak_bytes.

    address_space: bytes that each process may map at most, as `ulimit -v` sets it. After `limit`
    seconds the command and its descendants are ended.
    """
    limited = _limited(command, address_space)
    with tempfile.TemporaryFile("w+") as said:
        began, took = time.perf_counter(), started()
        before = os.times()
        process = subprocess.Popen(
            limited, cwd=ROOT, env=dict(environment), stdout=said, stderr=said, stdin=subprocess.DEVNULL
        )  # fmt: skip
        memory = Memory(process.pid)
        memory.start()
        try:
            code = process.wait(timeout=limit)
            status = "done" if code == 0 else f"exit code {code}"
        except subprocess.TimeoutExpired:
            _end(process.pid)
            process.wait()
            status = f"did not finish in {limit:,.0f} s"
        seconds = time.perf_counter() - began
        memory.stop()
        after = os.times()
        if status.startswith("exit"):
            said.seek(0)
            status = f"{status}: {_reason(said.read())}"
    busy = after.children_user + after.children_system
    return {
        **took,
        "status": status,
        "seconds": seconds,
        "process_seconds": seconds,
        "processor_seconds": busy - before.children_user - before.children_system,
        "peak_bytes": memory.peak,
        "processes": memory.processes,
    }


def _reason(text: str) -> str:
    """Why a command failed: what `crm` says of it, else the last line."""
    *_, last = text.strip().splitlines() or [""]
    said = text.rpartition("crm: ")[2] if "crm: " in text else last
    return " ".join(said.split())[:LONGEST_REASON]


def _limited(command: Sequence[str], address_space: int | None) -> list[str]:
    if address_space is None:
        return list(command)
    kilobytes = address_space // 1024
    return ["bash", "-c", f'ulimit -v {kilobytes} && exec "$@"', "limited", *command]


def _end(pid: int) -> None:
    """End a process that we started and those it started."""
    root = psutil.Process(pid)
    for process in [*root.children(recursive=True), root]:
        try:
            process.kill()
        except psutil.Error:
            continue


def without_paths(text: str, *folders: Path) -> str:
    """A message as results may keep it: no folder of this machine in it."""
    for folder in folders:
        text = text.replace(f"{folder}/", "")
    return text
