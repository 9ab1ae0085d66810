# SPDX-License-Identifier: Apache-2.0
"""The rows of scripts/interop. A row is a Scenario: paths, who is client, what happens on the way, and what the
kernel's counters must show afterwards."""
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import time

import netlab
import traces
from ends import Failed, KernelEnd, Skip, Use
from netlab import Lab, Path
from plaitend import PlaitEnd

MIB = 1 << 20
SIZE = 32 * MIB
JOIN_PATIENCE = 10  # seconds

# Counters that stay zero in every row where both sides speak MPTCP to the end.
NEVER = ("MPCapableFallbackACK MPCapableFallbackSYNACK MPFallbackTokenInit MPJoinNoTokenFound "
         "MPJoinSynAckHMacFailure MPJoinAckHMacFailure DSSNotMatching DSSCorruptionFallback DSSCorruptionReset "
         "InfiniteMapTx InfiniteMapRx DSSNoMatchTCP DataCsumErr MPFailTx MPFailRx MismatchPortSynRx "
         "MismatchPortAckRx MPCapableDataFallback MD5SigFallback DssFallback SimultConnectFallback "
         "FallbackFailed AddAddrDrop RmAddrDrop").split()


# Congestion controls that look at all subflows, and one that paces.
NOT_CUBIC = ("lia", "olia", "balia", "ewtcp", "wvegas", "bbr")


class Tools:
    """The programs, and how the harness was called."""

    def __init__(self, self_test, verbose):
        root = pathlib.Path(__file__).resolve().parent.parent.parent
        self.build = pathlib.Path(os.environ.get("PLAIT_BUILD", root / "build/gcc"))
        self.plait = pathlib.Path(os.environ.get("PLAIT", self.build / "plait"))
        self.kpeer = self.build / "tests/interop/kpeer"
        if "KPEER" in os.environ:
            self.kpeer = pathlib.Path(os.environ["KPEER"])
        self.self_test, self.verbose, self.timeout = self_test, verbose, 60

    def programs(self):
        return [self.kpeer] if self.self_test else [self.kpeer, self.plait]


class Run:
    """One row while it runs: the lab, both ends, and what went wrong so far."""

    def __init__(self, scenario, tools, logs):
        s = scenario
        self.s, self.tools = s, tools
        self.wrong, self.notes = [], []
        self.lab = Lab(s.paths, plait=tools.plait, logs=logs)
        kind = KernelEnd if tools.self_test else PlaitEnd
        self.near = kind(tools, self.lab, self.lab.near, s.plan)
        self.far = KernelEnd(tools, self.lab, self.lab.far, s.plan)
        self.before = None

    def check(self, good, text):
        if not good:
            self.wrong.append(text)

    def far_bytes(self):
        """Bytes that the far host received so far, by path."""
        traffic = self.lab.far.traffic()
        return [traffic[f"e{i}"][0] for i in range(len(self.lab.paths))]

    def near_bytes(self):
        traffic = self.lab.near.traffic()
        return [traffic[f"e{i}"][0] for i in range(len(self.lab.paths))]

    def both_bytes(self):
        return [a + b for a, b in zip(self.far_bytes(), self.near_bytes())]

    def wait_bytes(self, total, seconds=30):
        """Until so many bytes (both directions) have crossed the paths."""
        def ended():
            return self.near.process.poll() is not None or self.far.process.poll() is not None
        netlab.wait_for(lambda: sum(self.both_bytes()) >= total or ended(), seconds,
                        f"{total} bytes on the paths (there were {self.both_bytes()})")
        if ended() and sum(self.both_bytes()) < total:
            raise Failed(f"an end left after {self.both_bytes()} bytes on the paths, before {total}")

    def counters(self):
        now = self.lab.far.counters()
        return {name: value - self.before.get(name, 0) for name, value in now.items()}

    def near_counters(self):
        return self.lab.near.counters()


@dataclasses.dataclass
class Scenario:
    name: str
    paths: list
    plan: list                      # [Use]: what the connection may use, the first for the first subflow
    near_role: str = "client"
    csum: bool = False              # asked for by the kernel
    near_csum: bool = False         # asked for by the near end
    send: int = SIZE                # near to far
    recv: int = SIZE                # far to near
    near_close: str = "half"
    far_close: str = "half"
    near_announce: bool = None      # default: a server announces
    far_announce: bool = None
    near_joins: bool = False        # to the peer's first address
    far_joins: bool = False
    far_mptcp: bool = True
    near_extra: tuple = ()          # options of plait cat
    far_extra: tuple = ()           # options of kpeer
    near_pcap: bool = False         # plait writes near.pcapng
    setup: object = None            # function(run), before anything starts
    during: object = None           # function(run), while data moves
    after: object = None            # function(run), when both ended
    ends_well: bool = True          # both ends reach the end of both streams
    all_paths: bool = True          # each path must have carried data
    joins: int = None               # joins at least; default: paths - 1
    never: tuple = tuple(NEVER)
    at_least: dict = dataclasses.field(default_factory=dict)  # counters of the kernel
    self_test: bool = True          # makes sense kernel against kernel
    loud: bool = False              # its notes are the point: print them always

    def run(self, tools, logs):
        start = time.monotonic()
        try:
            run = Run(self, tools, logs)
        except netlab.LabError as error:
            raise Failed(f"the lab cannot be built: {error}") from None
        with run.lab:
            self._go(run)
            self._judge(run)
        run.notes.append(f"{time.monotonic() - start:.1f} s")
        if run.wrong:
            counted = {name: n for name, n in run.after.items() if n and not name.startswith("TCP")}
            run.notes.append(f"the kernel counted {counted}")
            raise Failed("\n".join(run.wrong + run.notes))
        return run.notes

    def _go(self, run):
        near_server = self.near_role == "server"
        announce = [near_server if self.near_announce is None else self.near_announce,
                    not near_server if self.far_announce is None else self.far_announce]
        run.near.prepare(self.near_role, announce=announce[0], joins=self.near_joins, csum=self.near_csum)
        run.far.prepare("client" if near_server else "server", announce=announce[1], joins=self.far_joins,
                        csum=self.csum, mptcp=self.far_mptcp)
        if self.setup:
            self.setup(run)
        run.before = run.lab.far.counters()

        def start_near():
            extra = [*self.near_extra]
            if self.near_pcap and not run.tools.self_test:
                extra += ["--pcap", run.lab.logs / "near.pcapng"]
            close = "joined" if self._holds_back() else self.near_close
            run.near.start(run.far, self.send, self.recv if self.ends_well else None, close, extra)

        def start_far():
            run.far.start(run.near, self.recv, self.send if self.ends_well else None, self.far_close,
                          self.far_extra)
        for start in (start_near, start_far) if near_server else (start_far, start_near):
            start()
        if self.during:
            self.during(run)
        self._await_joins(run)
        run.near_status, run.far_status = run.near.wait(run.tools.timeout), run.far.wait(run.tools.timeout)
        run.after = run.counters()

    def _joins(self):
        """{counter of the kernel: joins that it must show at least}."""
        joins = len(self.plan) - 1 if self.joins is None else self.joins
        if not joins or not self.far_mptcp:
            return {}
        incoming, outgoing = ("MPJoinSynRx", "MPJoinAckRx"), ("MPJoinSynTx", "MPJoinSynAckRx")
        kernel_joins = self.far_joins or (self.near_role == "server" and not self.near_joins)
        return dict.fromkeys(outgoing if kernel_joins else incoming, joins)

    def _holds_back(self):
        return self.near_close == "half" and bool(self._joins())

    def _await_joins(self, run):
        """A busy kernel may announce and join late, and refuses joins once the peer's stream has ended: the near
        end's stream ends only when the joins are there, or have had their time."""
        def joined():
            counters = run.counters()
            return all(counters.get(name, 0) >= least for name, least in self._joins().items())
        if self._holds_back():
            with contextlib.suppress(netlab.LabError):
                netlab.wait_for(joined, JOIN_PATIENCE, "joins", run.far.process)
            run.near.release()

    def _judge(self, run):
        check, near, far = run.check, run.near, run.far
        check(run.near_status is not None, f"the near end did not end within {run.tools.timeout} s")
        check(run.far_status is not None, f"the kernel's end did not end within {run.tools.timeout} s")
        if self.ends_well:
            check(run.near_status == 0, f"the near end: exit status {run.near_status}: {near.error()}")
            check(run.far_status == 0, f"the kernel's end: exit status {run.far_status}: {far.error()}")
            for what, a, b, size in (("near to far", (near, "out"), (far, "in"), self.send),
                                     ("far to near", (far, "out"), (near, "in"), self.recv)):
                sent, came = a[0].sha(a[1]), b[0].sha(b[1])
                check(sent == came, f"{what}: SHA-256 {sent} sent, {came} received "
                                    f"({b[0].bytes(b[1])} of {size} bytes)")
        if self.far_mptcp:
            self._judge_counters(run)
        if self.ends_well and not run.tools.self_test:
            self._judge_statistics(run)
        run.notes.append(f"{near.mbit():.0f} Mbit/s in, {far.mbit():.0f} Mbit/s out; longest stall "
                         f"{near.stall_ms()} / {far.stall_ms()} ms; bytes by path {run.both_bytes()}")
        if self.after:
            self.after(run)

    def _judge_counters(self, run):
        counters, check = run.after, run.check
        for name in self.never:
            check(counters.get(name, 0) == 0, f"the kernel counted {name} {counters.get(name)}")
        wanted = {**self._joins(), **self.at_least}
        for name, least in wanted.items():
            check(counters.get(name, 0) >= least, f"the kernel counted {name} {counters.get(name, 0)}, not {least}")
        if self.all_paths and self.ends_well:
            share = (self.send + self.recv) // 1000
            for use, count in zip(self.plan, [run.both_bytes()[u.path] for u in self.plan]):
                check(count > share, f"path {use.path} carried only {count} bytes")

    def _judge_statistics(self, run):
        """What plait says that each path carried must be what crossed it, headers and the kernel's copies aside."""
        told, crossed = run.near.subflow_bytes(), run.both_bytes()
        run.check(sum(most for _, most in told.values()) >= self.send + self.recv,
                  f"plait's --stats speak of {told} bytes by path, {self.send + self.recv} were moved")
        for path, (least, most) in told.items():
            run.check(least <= crossed[path], f"plait's --stats: path {path} carried at least {least} bytes; "
                                              f"{crossed[path]} crossed it")
            run.check(crossed[path] * 0.8 < most + 300000, f"plait's --stats: path {path} carried at most {most} "
                                                           f"bytes; {crossed[path]} crossed it")

    def tail(self, logs):
        """The ends of the logs, for a failure."""
        lines = []
        for path in sorted(pathlib.Path(logs).glob("*.log")):
            text = path.read_text(errors="replace").splitlines()
            lines += [f"-- {path.name}"] + [line[:600] for line in text[-12:]] if text else []
        return lines


# ---- what happens on the way ------------------------------------------------------------------------

def cut_and_restore(index):
    """Cuts a path when a quarter of the data has passed and restores it at the half."""
    def during(run):
        total = run.s.send + run.s.recv
        run.wait_bytes(total // 4)
        run.lab.paths[index].cut()
        time.sleep(0.05)
        at_cut = run.both_bytes()[index]
        run.wait_bytes(total // 2)
        run.check(run.both_bytes()[index] - at_cut < 100000, "data passed a path that was cut")
        run.at_restore = run.both_bytes()[index]
        run.lab.paths[index].restore()

    def after(run):
        run.notes.append(f"{run.both_bytes()[index] - run.at_restore} bytes on the restored path")
    return {"during": during, "after": after}


def remove_by_kernel(run):
    run.wait_bytes((run.s.send + run.s.recv) // 4)
    run.far.endpoint("delete id 2")


def remove_by_near(run):
    run.wait_bytes((run.s.send + run.s.recv) // 4)
    run.near.remove(run.s.plan[1])


def backup_used_when_first_fails(by):
    def during(run):
        total = run.s.send + run.s.recv
        run.wait_bytes(total // 4)
        before = run.both_bytes()
        run.check(before[1] < 300000, f"the backup carried {before[1]} bytes while the first path was well")
        run.lab.paths[0].cut()
        run.wait_bytes(total // 2)
        during_cut = run.both_bytes()
        run.check(during_cut[1] - before[1] > total // 8, f"the backup did not take over: {during_cut}")
        run.lab.paths[0].restore()
        run.wait_bytes(total * 5 // 8)
        (run.far if by == "far" else run.near).no_backup(run.s.plan[1])

    def after(run):
        name = "MPPrioTx" if by == "far" else "MPPrioRx"
        run.check(run.after.get(name, 0) >= 1, f"the kernel counted no {name}")
    return {"during": during, "after": after}


def near_gave_up(run):
    """The kernel resets the connection of a dead process where there was unread data; else it closes its side and may
    keep the window shut for ever, and the user timeout has to end it."""
    run.check(run.near_status not in (0, None), f"the near end left with status {run.near_status}, not an error")
    run.check(any(word in run.near.error().lower() for word in ("reset", "abort", "timed out", "timeout")),
              f"the near end speaks of no reset and no time-out: {run.near.error()!r}")


def soon_forgotten(run):
    """The socket of a dead process may go on without a reader: not for the default minute."""
    run.lab.far.sysctl("net.mptcp.close_timeout", 2)


def kill_kernel(run):
    run.wait_bytes(4 * MIB)
    run.far.kill()


def abort_near(run):
    run.wait_bytes((run.s.send + run.s.recv) // 4)
    run.near.abort()


def near_saw_reset(run):
    run.check(run.near_status not in (0, None), f"the near end left with status {run.near_status}, not an error")
    run.check("reset" in run.near.error().lower() or "abort" in run.near.error().lower(),
              f"the near end speaks of no reset: {run.near.error()!r}")


def far_saw_reset(run):
    run.check("reset" in run.far.error().lower() or "pipe" in run.far.error().lower(),
              f"the kernel's end saw no reset: {run.far.error()!r}")


def fell_back(run):
    run.check(run.near.fell_back(), "the near end does not say that it fell back to TCP")


def refused_tcp(run):
    run.check(run.near_status == 3, f"plait --require-mptcp: exit status {run.near_status} ({run.near.error()}), not 3")


def figures(run):
    """How much of two paths was used; `make bench` holds that against the goal."""
    share = run.far.mbit() / sum(path.rate for path in run.lab.paths) * 100
    run.notes.append(f"{run.far.mbit():.0f} Mbit/s of payload, {share:.1f} % of the paths' rates")


# ---- traces -----------------------------------------------------------------------------------------

TRACE = ["SYN MP_CAPABLE len 4", "SYN/ACK MP_CAPABLE len 12", "(ACK|DATA) MP_CAPABLE len 2[024]",
         r"server ADD_ADDR IPv[46] len (16|28)", r"client ADD_ADDR echo IPv[46] len (8|20)", "SYN MP_JOIN len 12",
         "SYN/ACK MP_JOIN len 16", "ACK MP_JOIN len 24", r"client DATA DSS .*map", r"server DATA DSS .*map",
         r"client \w+ DSS .*DATA_FIN", r"server \w+ DSS .*DATA_FIN"]


def start_capture(run):
    if not shutil.which("tshark") or not shutil.which("dumpcap"):
        raise Skip("no tshark and dumpcap: install tshark")
    command = ["dumpcap", "-q", "-s", "200", "-B", "64", "-w", run.lab.logs / "far.pcapng"]
    for i in range(len(run.lab.paths)):
        command += ["-i", f"e{i}", "-f", "tcp"]
    log = run.lab.open("dumpcap.log")
    run.capture = run.lab.far.popen(command, stdout=log, stderr=log)
    netlab.wait_for(lambda: "File:" in run.lab.read("dumpcap.log"), 10, "dumpcap", run.capture)


def judge_captures(steps):
    def after(run):
        time.sleep(0.3)  # the last packets reach the file
        run.capture.send_signal(signal.SIGINT)
        run.capture.wait(10)
        for name in ("far.pcapng", "near.pcapng"):
            path = run.lab.logs / name
            if name == "near.pcapng" and run.tools.self_test:
                continue
            if not path.exists():
                run.check(False, f"no capture {name}: {run.lab.read('dumpcap.log')}")
                continue
            trace = traces.Trace(path)
            for wrong in trace.wrong[:10]:
                run.check(False, f"{name}: {wrong}")
            for step in steps:
                run.check(any(re.fullmatch(f".*{step}.*", s) for s in trace.steps), f"{name}: no step '{step}'")
            run.notes += [f"{name}: {len(trace.packets)} packets: {'; '.join(trace.steps)}"]
    return after


def tracing():
    for role, family, csum in (("client", 4, False), ("server", 6, False), ("client", 6, True), ("server", 4, True)):
        steps = TRACE + ([r"DATA DSS .*checksum"] if csum else [])
        yield Scenario(f"trace of {role}, IPv{family}, checksum {'on' if csum else 'off'}: handshake, join, data, close",
                       two(rate=100), [Use(0, family), Use(1, family)], near_role=role, csum=csum, send=2 * MIB,
                       recv=2 * MIB, setup=start_capture, after=judge_captures(steps), near_pcap=True)
    yield Scenario("trace of a fast close by plait", two(rate=100), uses(), send=4 * MIB, recv=4 * MIB, ends_well=False,
                   all_paths=False, setup=start_capture, during=abort_near, near_pcap=True, self_test=False,
                   after=judge_captures(TRACE[:-2] + ["client .* MP_FASTCLOSE len 12"]))


# ---- the rows ---------------------------------------------------------------------------------------

def matrix():
    for role in ("client", "server"):
        for family in (4, 6, "both"):
            for n in (1, 2, 4):
                if family == "both" and n == 1:
                    continue
                for csum in (False, True):
                    families = [(4, 6)[i % 2] if family == "both" else family for i in range(n)]
                    kind = "IPv4 and IPv6" if family == "both" else f"IPv{family}"
                    yield Scenario(
                        f"{role}, {kind}, {n} path{'s' * (n > 1)}, checksum {'on' if csum else 'off'}",
                        [Path() for _ in range(n)], [Use(i, f) for i, f in enumerate(families)],
                        near_role=role, csum=csum, all_paths=False,
                        far_close="last")  # once it has half-closed, the kernel refuses joins


def two(kind="shaped", rate=200, **options):
    return [Path(kind, rate, **options) for _ in range(2)]


def uses(**second):
    return [Use(0), Use(1, **second)]


def route_second_path(run):
    """Lets the second path reach the first address of the peer, so that joins need no ADD_ADDR."""
    for a, b in ((run.lab.near, run.lab.far), (run.lab.far, run.lab.near)):
        first, gateway, source = b.name, Lab.address(b.name, 1), Lab.address(a.name, 1)
        a.ip(f"route add {Lab.address(first, 0)}/32 via {gateway} dev e1 table 77")
        a.ip(f"rule add from {source} table 77")
        a.ip(f"rule add oif e1 table 77")


def joining():
    for role in ("client", "server"):
        yield Scenario(f"{role}, joined by the client to the first address", two(), uses(), near_role=role,
                       near_announce=False, far_announce=False, near_joins=role == "client",
                       far_joins=role == "server", setup=route_second_path)
        yield Scenario(f"{role}, joined by the server's ADD_ADDR", two(), uses(), near_role=role,
                       at_least={"EchoAdd" if role == "client" else "AddAddr": 1})
        yield Scenario(f"{role}, joined by ADD_ADDR with a port", two(), uses(port=5100), near_role=role,
                       at_least={"MPJoinPortSynRx": 1, "MPJoinPortAckRx": 1} if role == "client" else
                       {"PortAdd": 1})
    yield Scenario("checksum asked for by plait", two(), uses(), near_csum=True,
                   after=lambda run: run.check(run.far.result.get("checksum"), "the kernel uses no checksum"))


def failing():
    for role in ("client", "server"):
        yield Scenario(f"{role}, a path is cut and restored", two(rate=150), uses(), near_role=role,
                       **cut_and_restore(1))
        yield Scenario(f"{role}, the first path is cut and restored", two(rate=150), uses(), near_role=role,
                       **cut_and_restore(0))
    for by, role in (("far", "client"), ("near", "client")):
        yield Scenario(f"{'the kernel' if by == 'far' else 'plait'} declares a backup: used only when the first "
                       "path fails, then MP_PRIO back", two(rate=150), uses(backup=by), near_role=role,
                       **backup_used_when_first_fails(by), self_test=by == "far")
    yield Scenario("REMOVE_ADDR from the kernel", two(), uses(), during=remove_by_kernel, all_paths=False,
                   at_least={"RmAddrTx": 1})
    yield Scenario("REMOVE_ADDR from plait", two(), uses(), during=remove_by_near, all_paths=False,
                   at_least={"RmAddr": 1}, self_test=False)
    for role in ("client", "server"):
        options = ["--rate", "300mbit", "--delay", "1ms", "--loss", "1%", "--reorder", "1%", "--queue", "256k",
                   "--seed", "7"]
        yield Scenario(f"{role}, both paths lose 1 % and reorder", [Path("link", options=options) for _ in "12"],
                       uses(), near_role=role, self_test=True)
    for cc in NOT_CUBIC:
        yield Scenario(f"--cc {cc}, both paths lose 1 % and reorder", [Path("link", options=options) for _ in "12"],
                       uses(), near_extra=("--cc", cc), self_test=False)


def closing():
    for role in ("client", "server"):
        yield Scenario(f"{role}, plait closes first", two(), uses(), near_role=role, far_close="last")
        yield Scenario(f"{role}, the kernel closes first", two(), uses(), near_role=role, near_close="last")
    yield Scenario("half-close by plait, data still flows back", two(), uses(), send=MIB, far_close="last",
                   all_paths=False)
    yield Scenario("half-close by the kernel, data still flows back", two(), uses(), recv=MIB, near_close="last",
                   all_paths=False)
    reset = {"ends_well": False, "all_paths": False}
    yield Scenario("fast close by the kernel", two(), uses(), **reset, far_close=f"abort:{4 * MIB}",
                   after=near_saw_reset, at_least={"MPFastcloseTx": 1})
    yield Scenario("fast close by plait", two(), uses(), **reset, during=abort_near, after=far_saw_reset,
                   at_least={"MPFastcloseRx": 1}, self_test=False)
    # More than the kernel's receive buffer holds, so that somebody has to miss the reader.
    yield Scenario("the kernel's process is killed", two(), uses(), **reset, send=256 * MIB, recv=MIB,
                   near_extra=("--user-timeout", "5"), setup=soon_forgotten, during=kill_kernel, after=near_gave_up)


def plain():
    for role in ("client", "server"):
        yield Scenario(f"{role}, kernel without MPTCP: plain TCP", [Path()], [Use(0)], near_role=role,
                       far_mptcp=False, after=fell_back)


    # The kernel's listener is told of nobody: the reset comes before the handshake is over.
    yield Scenario("client with --require-mptcp, kernel without MPTCP", [Path()], [Use(0)], far_mptcp=False,
                   near_extra=("--require-mptcp",), far_extra=("--timeout", "5"), ends_well=False,
                   after=refused_tcp, self_test=False)


def policies():
    """Each scheduler against a peer that has another one: two paths that are not alike, and all arrives."""
    for name in ("minrtt-plain", "minrtt-penalty", "linger", "roundrobin", "redundant", "blest", "ecf", "handover",
                 "latency"):
        yield Scenario(f"client with --sched {name}", [Path("shaped", 200), Path("shaped", 50)], uses(), send=8 * MIB,
                       recv=2 * MIB, near_extra=("--sched", name), self_test=False, all_paths=name != "handover")


def none_on_second(run):
    """Until 4 MiB are on their way, some of which wait in queues, there is no second subflow."""
    run.wait_bytes(MIB)
    joins = run.counters().get("MPJoinSynRx", 0)
    if sum(run.both_bytes()) < 2 * MIB:
        run.check(joins == 0, "a join came before it was worth it")


def handed_over(run):
    """The first path alone until it is cut, then the second one."""
    run.wait_bytes((run.s.send + run.s.recv) // 4)
    before = run.both_bytes()
    run.check(before[1] < 10000, f"the second path carried {before[1]} bytes while the first was well")
    run.lab.paths[0].cut()


def no_joins(run):
    joins = run.after.get("MPJoinSynRx", 0)
    run.check(joins == 0, f"the kernel saw {joins} joins")


def path_managers():
    near = {"self_test": False, "send": 8 * MIB, "recv": 8 * MIB}
    yield Scenario("client with --pm ndiffports:3", [Path("shaped", 200)], [Use(0)], near_extra=("--pm", "ndiffports:3"),
                   joins=2, **near)
    yield Scenario("client with --pm on-demand:4M", two(rate=50), uses(), near_extra=("--pm", "on-demand:4M"),
                   during=none_on_second, **near)
    yield Scenario("client with --pm signal", two(), uses(), near_extra=("--pm", "signal"), joins=0, all_paths=False,
                   after=no_joins, **near)
    yield Scenario("server with --pm signal, joined by the kernel", two(), uses(), near_role="server",
                   near_extra=("--pm", "signal"), **near)
    yield Scenario("client with --pm handover, the first path is cut", two(rate=100), uses(),
                   near_extra=("--pm", "handover"), during=handed_over, **near)
    yield Scenario("client with --limits 0", two(), uses(), near_extra=("--limits", "0"), joins=0, all_paths=False,
                   after=no_joins, **near)


def speed():
    yield Scenario("figures: 2 x 500 Mbit/s to the kernel", two(rate=500), uses(), send=96 * MIB, recv=0, loud=True,
                   far_close="last", after=figures)
    yield Scenario("figures: 2 x 500 Mbit/s, one path cut silently", two(rate=500), uses(), send=96 * MIB, recv=0,
                   far_close="last", loud=True, during=lambda run: (run.wait_bytes(32 * MIB), run.lab.paths[1].cut()))


def all_rows(self_test):
    rows = [row for group in (matrix, joining, failing, closing, plain, policies, path_managers, tracing, speed) for row in group()]
    return [row for row in rows if row.self_test or not self_test]
