# SPDX-License-Identifier: Apache-2.0
"""Hosts in network namespaces, joined by paths, for scripts/interop, scripts/demo and tests/bench/run.

The namespaces have no names: they live as long as this process holds them open, so nothing is left behind,
however it ends. Everything works as root and inside `unshare -Urn` alike."""
import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1
os.environ["PATH"] += ":/usr/sbin:/sbin"


class LabError(Exception):
    """Something that the lab needs is not there or not allowed; the text says what."""


def _libc(name, *arguments):
    if getattr(LIBC, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def _here():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Host:
    """A network namespace and what runs in it."""

    def __init__(self, name):
        self.name, self.processes = name, []
        home = _here()
        _libc("unshare", CLONE_NEWNET)
        self.fd = _here()
        _libc("setns", home, CLONE_NEWNET)
        os.close(home)
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"
        self.ip("link set lo up")

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in the namespace, and so is every process it starts."""
        home = _here()
        _libc("setns", self.fd, CLONE_NEWNET)
        try:
            yield
        finally:
            _libc("setns", home, CLONE_NEWNET)
            os.close(home)

    def run(self, *command, check=True):
        with self.inside():
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, errors="replace", check=False)
        if check and done.returncode != 0:
            raise LabError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
        return done.stdout

    def ip(self, words, check=True):
        return self.run("ip", *words.split(), check=check)

    def popen(self, command, **options):
        with self.inside():
            process = subprocess.Popen([str(c) for c in command], preexec_fn=_die_with_parent, **options)
        self.processes.append(process)
        return process

    def sysctl(self, name, value):
        with self.inside():
            try:
                pathlib.Path("/proc/sys", name.replace(".", "/")).write_text(f"{value}\n")
            except OSError as error:
                raise LabError(f"sysctl {name}={value}: {error.strerror}") from None

    def proc(self, name):
        with self.inside():
            return pathlib.Path("/proc/thread-self/net", name).read_text()

    def counters(self):
        """The kernel's counters of this host, as nstat names them without their prefix."""
        result = {}
        lines = self.proc("netstat").splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            prefix = names.split(":")[0]
            if prefix in ("MPTcpExt", "TcpExt"):
                result.update(zip(names.split()[1:], map(int, values.split()[1:])))
        return result

    def traffic(self):
        """{interface: (bytes received, bytes sent)}."""
        result = {}
        for line in self.proc("dev").splitlines()[2:]:
            name, _, rest = line.partition(":")
            fields = rest.split()
            result[name.strip()] = (int(fields[0]), int(fields[8]))
        return result

    def offload(self, interface, on):
        """Segmentation and checksum offload of an interface: off makes it send MTU-size frames."""
        SIOCETHTOOL, commands = 0x8946, (0x17, 0x19, 0x1F, 0x24)  # tx checksum, sg, tso, gso
        if not on:
            commands = tuple(reversed(commands))
        with self.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for command in commands:
                value = ctypes.create_string_buffer(struct.pack("II", command, int(on)))
                request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
                with contextlib.suppress(OSError):  # not every device knows every feature
                    fcntl.ioctl(s, SIOCETHTOOL, request)

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
        self.processes = []
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Path:
    """One path between two hosts. kind "direct": a veth pair. "shaped": a bridge in a host of its own, where
    tbf limits both directions to `rate` Mbit/s. "link": the emulator `plait link` with `options`.
    A cut is silent: neither host sees its carrier go."""

    def __init__(self, kind="direct", rate=None, queue_ms=30, options=()):
        self.kind, self.rate, self.queue_ms, self.options = kind, rate, queue_ms, list(options)
        self.middle = self.emulator = None

    def build(self, lab, i):
        self.i, near, far = i, lab.near, lab.far
        if self.kind == "direct":
            near.ip(f"link add e{i} type veth peer name e{i} netns {far.path}")
            return
        self.middle = lab.host(f"mid{i}")
        for end, host in (("n", near), ("f", far)):
            self.middle.ip(f"link add {end}{i} type veth peer name e{i} netns {host.path}")
            self.middle.ip(f"link set {end}{i} up")
        if self.kind == "shaped":
            self.middle.ip(f"link add b{i} type bridge stp_state 0 mcast_snooping 0")
            for family in ("ip", "ip6", "arp"):  # the machine's packet filter has no say here
                with contextlib.suppress(LabError):
                    self.middle.sysctl(f"net.bridge.bridge-nf-call-{family}tables", 0)
            self.middle.ip(f"link set b{i} up")
            for end in "nf":
                self.middle.ip(f"link set {end}{i} master b{i}")
            self.shape(self.rate)

    def shape(self, rate):
        self.rate = rate
        # Three super-segments: tbf cuts what is larger than its burst, and then the shaper and not the hosts is what the
        # processors are busy with; and a timer that comes late must not lose tokens.
        burst = max(int(rate * 1e6 / 8 * 0.001), 200000)
        limit = int(rate * 1e6 / 8 * self.queue_ms / 1000) + burst
        for end in "nf":
            self.middle.run(*f"tc qdisc replace dev {end}{self.i} root handle 1: tbf rate {rate}mbit "
                            f"burst {burst} limit {limit}".split())

    def start(self, lab):
        """Once the hosts' interfaces are up."""
        if self.kind == "link":
            for host in (lab.near, lab.far):
                host.offload(f"e{self.i}", False)
            command = [lab.plait, "link", f"n{self.i}", f"f{self.i}", *self.options]
            log = lab.open(f"link{self.i}.log")
            self.emulator = self.middle.popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
            wait_for(lambda: "forwarding" in lab.read(f"link{self.i}.log"), 5,
                     f"{' '.join(map(str, command))} does not start", self.emulator)

    def _state(self, up):
        if self.kind == "shaped":
            for end in "nf":
                self.middle.run("bridge", "link", "set", "dev", f"{end}{self.i}", "state",
                                "forwarding" if up else "disabled")
        elif self.kind == "link":
            self.emulator.stdin.write(b"up\n" if up else b"down\n")
            self.emulator.stdin.flush()
        else:
            raise LabError("a direct path cannot be cut silently")

    def cut(self):
        self._state(False)

    def restore(self):
        self._state(True)


class Lab:
    """Two hosts, near and far, and the paths between them. Path i has the addresses of address()."""

    def __init__(self, paths, plait=None, logs=None):
        self.plait, self.logs = plait, pathlib.Path(logs or ".")
        self.logs.mkdir(parents=True, exist_ok=True)
        self.hosts, self.files, self.paths = [], [], paths
        try:
            self.near, self.far = self.host("near"), self.host("far")
            for i, path in enumerate(paths):
                path.build(self, i)
                for host in (self.near, self.far):
                    self._address(host, i)
            for path in paths:
                path.start(self)
        except BaseException:
            self.close()
            raise

    def host(self, name):
        host = Host(name)
        self.hosts.append(host)
        for sysctl, value in (("net.ipv4.conf.all.rp_filter", 0), ("net.ipv4.conf.default.rp_filter", 0),
                              ("net.ipv6.conf.default.accept_dad", 0), ("net.ipv6.conf.all.accept_dad", 0),
                              ("net.ipv6.conf.default.disable_ipv6", 0), ("net.ipv6.conf.all.disable_ipv6", 0)):
            with contextlib.suppress(LabError):
                host.sysctl(sysctl, value)
        return host

    @staticmethod
    def address(host_name, i, family=4):
        end = 1 if host_name == "near" else 2
        return f"10.77.{i}.{end}" if family == 4 else f"fd77:{i}::{end}"

    def _address(self, host, i):
        host.ip(f"link set e{i} up")
        host.ip(f"addr add {self.address(host.name, i)}/24 dev e{i}")
        host.ip(f"addr add {self.address(host.name, i, 6)}/64 dev e{i} nodad", check=False)

    def open(self, name):
        file = (self.logs / name).open("wb")
        self.files.append(file)
        return file

    def read(self, name):
        path = self.logs / name
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self):
        for host in self.hosts:
            host.close()
        for file in self.files:
            file.close()
        self.hosts, self.files = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wait_for(condition, seconds, what, process=None):
    """Waits until condition() is true; its value. LabError after so many seconds or when process ends."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if process is not None and process.poll() is not None and not condition():
            raise LabError(f"{what}: ended with status {process.returncode}")
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def last_json(text):
    """The last line of text that is a JSON object, or None."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                return json.loads(line)
    return None


# ---- what this machine allows -----------------------------------------------------------------------

def why_no_namespaces():
    """Why this process cannot make network namespaces, or None."""
    try:
        host = Host("probe")
        host.close()
        return None
    except OSError as error:
        return error.strerror or str(error)
    except LabError as error:
        return str(error)


def enter_user_namespace(always=False):
    """Without root (or always), starts this program again inside `unshare -Urn`. Answers why that cannot be, or
    None when namespaces can be made."""
    why = why_no_namespaces()
    if why is None and (in_user_namespace() or not always):
        return None
    if os.environ.get("NETLAB_UNSHARED"):
        return f"no namespaces even inside unshare -Urn: {why}"
    try:
        done = subprocess.run(["unshare", "-Urn", "true"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
    except OSError as error:
        return f"not root, and no unshare: {error.strerror}"
    if done.returncode != 0:
        return f"not root, and {done.stderr.strip() or 'unshare -Urn fails'}"
    os.environ["NETLAB_UNSHARED"] = "1"
    sys.stdout.flush()
    os.execvp("unshare", ["unshare", "-Urn", sys.executable, *sys.argv])


def in_user_namespace():
    return bool(os.environ.get("NETLAB_UNSHARED"))


def kernel_mptcp():
    """Why the kernel's MPTCP cannot be used, or None."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).close()
        return None
    except OSError as error:
        if pathlib.Path("/proc/sys/net/mptcp/enabled").exists():
            return None  # off here, but a namespace of our own can turn it on
        return f"this kernel has no MPTCP ({error.strerror})"


def on_signals_raise():
    """SIGTERM and SIGHUP end the program as ctrl-C does, with everything cleaned up."""
    def stop(number, _):
        raise KeyboardInterrupt(signal.Signals(number).name)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGHUP, stop)
