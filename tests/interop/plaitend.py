# SPDX-License-Identifier: Apache-2.0
"""The end of a row that is a `plait cat` process. kpeer feeds it the pattern through a pipe and checks what it
writes, so the data that is hashed has passed the program's standard input and output."""
import contextlib
import os
import subprocess

import netlab
from ends import End, PORT


class PlaitEnd(End):
    def prepare(self, role, announce=True, joins=False, csum=False):
        self.role, self.csum = role, csum
        self.fifo = self.lab.logs / f"{self.host.name}-control"
        os.mkfifo(self.fifo)
        # Open for reading too: neither side waits for the other.
        self.control = os.fdopen(os.open(self.fifo, os.O_RDWR), "w", buffering=1)
        self.lab.files.append(self.control)

    def command(self, peer, extra):
        command = [self.tools.plait, "cat", "-v", "--stats", "--control", self.fifo]
        for use in self.plan:
            backup = ",backup" if use.backup == self.host.name else ""
            command += ["--path", f"e{use.path}={self.address(use)}{backup}"]
            if use.port and self.role == "server":
                address = self.address(use)
                command += ["--announce", f"[{address}]:{use.port}" if ":" in address else f"{address}:{use.port}"]
        if self.csum:
            command.append("--checksum")
        end = self if self.role == "server" else peer
        return [*command, *extra, *(["-l"] if self.role == "server" else []), end.address(self.plan[0]), PORT]

    def start(self, peer, send, recv, close="half", extra=()):
        server = self.role == "server"
        log = self.lab.open(self.log("plait"))
        generate = [self.tools.kpeer, "generate", send, "--seed-out", 2 if server else 1]
        verify = [self.tools.kpeer, "verify", *([recv] if recv is not None else []), "--seed-in", 1 if server else 2,
                  "--json", self.lab.logs / self.log("report")]
        self.feeder = self.host.popen(generate, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=self.lab.open(self.log("sent")))
        # This copy of the pipe keeps standard input from ending: with "last" until the peer's end has come,
        # with "joined" until release().
        self.hold = os.open(f"/proc/{self.feeder.pid}/fd/1", os.O_WRONLY) if close in ("last", "joined") else None
        self.close = close
        self.process = self.host.popen(self.command(peer, extra), stdin=self.feeder.stdout, stdout=subprocess.PIPE,
                                       stderr=log)
        self.reader = self.host.popen(verify, stdin=self.process.stdout, stdout=subprocess.DEVNULL,
                                      stderr=self.lab.open(self.log("verify")))
        for process in (self.feeder, self.process):
            process.stdout.close()
            process.stdout = None
        if server:
            netlab.wait_for(lambda: "listening" in self.lab.read(self.log("plait")), 10, "plait cat -l", self.process)

    def release(self):
        if self.hold is not None:
            os.close(self.hold)
            self.hold = None

    def wait(self, seconds):
        """Exit status, None where it did not end in time."""
        try:
            if self.hold is not None and self.close == "last":
                self.reader.wait(seconds)  # the peer's end has come through
        except subprocess.TimeoutExpired:
            pass
        self.release()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.terminate()  # for its statistics
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            status = None
        for process in (self.feeder, self.reader):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        self.stats = netlab.last_json(self.lab.read(self.log("plait"))) or {}
        self.result = {"in": netlab.last_json(self.lab.read(self.log("report"))) or {},
                       "out": netlab.last_json(self.lab.read(self.log("sent"))) or {}}
        return status

    def sha(self, direction):
        return self.result[direction].get("sha256", "nothing")

    def bytes(self, direction):
        return self.result[direction].get("bytes", 0)

    def error(self):
        connection = self.stats.get("connection") or {}
        said = [line[7:] for line in self.lab.read(self.log("plait")).splitlines() if line.startswith("plait: ")]
        return f"{connection.get('error') or ''} {connection.get('reason') or ''}".strip() or " ".join(said[-1:])

    def stall_ms(self):
        return self.result["in"].get("stall_us", 0) // 1000

    def mbit(self):
        d = self.result["in"]
        time = d.get("end_us", 0) - d.get("begin_us", 0)
        return d.get("bytes", 0) * 8 / time if time > 0 else 0

    def fell_back(self):
        return (self.stats.get("connection") or {}).get("multipath") is False

    def tell(self, line):
        self.control.write(line + "\n")

    def abort(self):
        self.tell("abort")

    def remove(self, use):
        self.tell(f"del e{use.path}")

    def no_backup(self, use):
        self.tell(f"backup e{use.path} off")

    def subflow_bytes(self):
        """{path: (least, most)}: payload bytes of all its subflows, both ways, by plait's own statistics. least: what
        came, and what the peer has acknowledged on that subflow. most: what was sent counts in full, though a
        path may have lost it, and every copy of it."""
        found = {use.path: (0, 0) for use in self.plan}
        for subflow in self.stats.get("subflows", []):
            for use in self.plan:
                if subflow["interface"] == f"e{use.path}":
                    came, sent = subflow["bytes_received"], subflow["bytes_sent"] + subflow["bytes_retransmitted"]
                    least, most = found[use.path]
                    found[use.path] = least + came + subflow["bytes_acked"], most + came + sent
        return found
