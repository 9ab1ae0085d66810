# SPDX-License-Identifier: Apache-2.0
"""The two kinds of end that a row of scripts/interop joins: a plait process and the kernel's sockets. Both
offer the same: prepare(), start(), wait(), and a result with bytes and SHA-256 of both directions."""
import subprocess

import netlab

PORT = 5001


class Failed(Exception):
    """A row did not show what it should."""


class Skip(Exception):
    """A row cannot run here; the text says why."""


class End:
    """What both kinds share. `plan` says which paths the connection uses: a list of Use."""

    def __init__(self, tools, lab, host, plan):
        self.tools, self.lab, self.host, self.plan = tools, lab, host, plan
        self.result, self.process = None, None

    def address(self, use):
        return netlab.Lab.address(self.host.name, use.path, use.family)

    def log(self, what):
        return f"{self.host.name}-{what}.log"


class Use:
    """One path of a connection: its number in the lab, the address family, the host ("near", "far") that declares
    it a backup, the port that is announced with it."""

    def __init__(self, path, family=4, backup=None, port=None):
        self.path, self.family, self.backup, self.port = path, family, backup, port


class KernelEnd(End):
    """kpeer over the kernel's MPTCP (or TCP)."""

    def prepare(self, role, announce=True, joins=False, csum=False, mptcp=True):
        """announce: tell the other paths by ADD_ADDR. joins: open subflows from them to the peer's first
        address."""
        self.role, self.mptcp = role, mptcp
        self.host.sysctl("net.mptcp.enabled", int(mptcp))
        self.host.sysctl("net.mptcp.checksum_enabled", int(csum))
        self.host.ip(f"mptcp limits set subflows 8 add_addr_accepted {0 if joins else 8}")
        for use in self.plan[1:]:
            kind = "signal" if announce else "subflow" if joins else None
            if kind:
                port = f" port {use.port}" if use.port and kind == "signal" else ""
                self.host.ip(f"mptcp endpoint add {self.address(use)} id {use.path + 1} dev e{use.path} {kind}"
                             f"{' backup' if use.backup == self.host.name else ''}{port}")

    def endpoint(self, words):
        self.host.ip(f"mptcp endpoint {words}")

    def start(self, peer, send, recv, close="half", extra=()):
        use = self.plan[0]
        mixed = len({u.family for u in self.plan}) > 1
        server = self.role == "server"
        if server:  # bound to no address: a join to another one needs a listener there
            host = "::" if mixed or use.family == 6 else "0.0.0.0"
        else:  # an IPv4 socket cannot have IPv6 subflows
            host = ("::ffff:" if mixed else "") + peer.address(use)
        command = [self.tools.kpeer, self.role, host, PORT, "--cc", "cubic", "--send", send, "--close", "half" if close == "joined" else close,
                   "--json", self.lab.logs / self.log("report"), "--timeout", self.tools.timeout]
        if recv is not None:
            command += ["--recv", recv]
        if not self.mptcp:
            command.append("--tcp")
        self.process = self.host.popen([*command, *extra], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=self.lab.open(self.log("kpeer")))
        if server:
            netlab.wait_for(lambda: "listening" in self.lab.read(self.log("kpeer")), 5, "kpeer", self.process)

    def wait(self, seconds):
        """Exit status, None where it did not end in time."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self.result = netlab.last_json(self.lab.read(self.log("report"))) or {}
        return status

    def kill(self):
        self.process.kill()

    def release(self):
        """Nothing holds back the end of its stream."""

    def no_backup(self, use):
        self.endpoint(f"change id {use.path + 1} nobackup")

    def fell_back(self):
        return bool((self.result or {}).get("fallback"))

    def sha(self, direction):
        return (self.result or {}).get(direction, {}).get("sha256", "nothing")

    def bytes(self, direction):
        return (self.result or {}).get(direction, {}).get("bytes", 0)

    def error(self):
        r = self.result or {}
        return r.get("in", {}).get("error") or r.get("out", {}).get("error") or ""

    def stall_ms(self):
        return (self.result or {}).get("in", {}).get("stall_us", 0) // 1000

    def mbit(self):
        """Payload that came in, in Mbit/s."""
        d = (self.result or {}).get("in", {})
        time = d.get("end_us", 0) - d.get("begin_us", 0)
        return d.get("bytes", 0) * 8 / time if time > 0 else 0

