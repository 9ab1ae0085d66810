# SPDX-License-Identifier: Apache-2.0
"""Reads a capture of one MPTCP connection and holds each option against RFC 8684: lengths, flags, keys, tokens,
HMACs, sequence numbers. tshark reads the file and is asked what it finds malformed; the options are taken
apart here, from their bytes, so that two readers must agree. Answers the steps seen, as text."""
import hashlib
import hmac
import ipaddress
import struct
import subprocess

FIELDS = ["frame.number", "frame.time_epoch", "tcp.stream", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport",
          "tcp.flags", "tcp.len", "tcp.seq_raw", "tcp.ack_raw", "tcp.options", "_ws.expert.severity",
          "_ws.expert.group", "_ws.expert.message", "_ws.malformed"]
FIN, SYN, RST, ACK = 1, 2, 4, 16
WARN = 0x600000
NAMES = ["MP_CAPABLE", "MP_JOIN", "DSS", "ADD_ADDR", "REMOVE_ADDR", "MP_PRIO", "MP_FAIL", "MP_FASTCLOSE", "MP_TCPRST"]
M32, M64 = (1 << 32) - 1, (1 << 64) - 1
# tshark's analysis of loss and order judges the path, not the options; and it counts the NOPs of a whole header.
SEQUENCE, NOPS = 0x2000000, "NOP in a row"


def sha(key):
    return hashlib.sha256(struct.pack(">Q", key)).digest()


def token(key):
    return struct.unpack(">I", sha(key)[:4])[0]


def idsn(key):
    return struct.unpack(">Q", sha(key)[-8:])[0]


def mac(key_a, key_b, message):
    return hmac.new(struct.pack(">QQ", key_a, key_b), message, hashlib.sha256).digest()


class Packet:
    def __init__(self, line):
        v = dict(zip(FIELDS, line.split("\t") + [""] * len(FIELDS)))
        self.number, self.stream = int(v["frame.number"]), int(v["tcp.stream"])
        self.time = float(v["frame.time_epoch"])
        self.src, self.dst = v["ip.src"] or v["ipv6.src"], v["ip.dst"] or v["ipv6.dst"]
        self.sport, self.dport = int(v["tcp.srcport"]), int(v["tcp.dstport"])
        self.flags, self.len = int(v["tcp.flags"], 16), int(v["tcp.len"] or 0)
        self.seq, self.ack = int(v["tcp.seq_raw"]), int(v["tcp.ack_raw"] or 0)
        self.options = bytes.fromhex(v["tcp.options"].replace(":", ""))
        severities, groups = ([int(n, 0) for n in v[f"_ws.expert.{what}"].split(",") if n]
                              for what in ("severity", "group"))
        faults = [s for s, g in zip(severities, groups) if s >= WARN and g != SEQUENCE]
        self.has_faults = len(faults) > v["_ws.expert.message"].count(NOPS)
        self.message, self.malformed = v["_ws.expert.message"], v["_ws.malformed"]

    def mptcp(self):
        """Each option of kind 30, as bytes; ValueError where the option list is broken."""
        rest, found = self.options, []
        while rest and rest[0] != 0:
            if rest[0] == 1:
                rest = rest[1:]
                continue
            if len(rest) < 2 or rest[1] < 2 or rest[1] > len(rest):
                raise ValueError(f"option list {self.options.hex()} is broken")
            if rest[0] == 30:
                found.append(rest[:rest[1]])
            rest = rest[rest[1]:]
        return found

    def kind(self):
        if self.flags & SYN:
            return "SYN/ACK" if self.flags & ACK else "SYN"
        return "RST" if self.flags & RST else "DATA" if self.len else "ACK"


def read(path, ports=(5001, 5100)):
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp", "-o", "tcp.relative_sequence_numbers:FALSE", "-T", "fields"]
    for port in ports:  # lest a guess at the payload be taken for a finding
        command += ["-d", f"tcp.port=={port},data"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"tshark: {done.stderr.strip()[:300]}")
    # A capture of several interfaces holds them one after the other for short spans.
    return sorted((Packet(line) for line in done.stdout.splitlines()), key=lambda packet: packet.time)


class Trace:
    """steps: what happened, in words, each once. wrong: what RFC 8684 does not allow."""

    def __init__(self, path):
        self.steps, self.wrong = [], []
        self.keys = {}          # "client", "server"
        self.joins = {}         # stream -> {nonces, ids}
        self.client = None      # address and port of the first SYN's sender
        self.isn = {}           # (stream, from) -> first sequence number
        self.next_dsn = {}      # direction -> first DSN, for the first mapping
        self.roles = {}         # (stream, address, port) -> "client" or "server"
        self.packets = read(path)
        for packet in self.packets:
            self._look(packet)

    def _bad(self, packet, text):
        self.wrong.append(f"packet {packet.number} ({packet.kind()} {packet.src}:{packet.sport} > {packet.dst}:"
                          f"{packet.dport}): {text}")

    def _step(self, text):
        if text not in self.steps:
            self.steps.append(text)

    def _look(self, p):
        if p.malformed or p.has_faults:
            self._bad(p, f"tshark: {p.message or 'malformed'}")
        if p.flags & SYN:
            self.isn[p.stream, p.src, p.sport] = p.seq
        try:
            options = p.mptcp()
        except ValueError as error:
            self._bad(p, str(error))
            return
        for option in options:
            if len(option) < 3 or option[2] >> 4 >= len(NAMES):
                self._bad(p, f"MPTCP option {option.hex()} of no known subtype")
                continue
            name = NAMES[option[2] >> 4]
            getattr(self, "_" + name.lower())(p, option)

    def _who(self, p):
        """client or server of the connection, by who sent the SYN of the first subflow."""
        return self.roles.get((p.stream, p.src, p.sport), "?")

    def _expect_len(self, p, name, option, *lengths):
        if len(option) not in lengths:
            self._bad(p, f"{name} of {len(option)} bytes, not {' or '.join(map(str, lengths))}: {option.hex()}")
            return False
        return True

    # ---- RFC 8684 3.1

    def _mp_capable(self, p, o):
        lengths = {"SYN": (4,), "SYN/ACK": (12,), "ACK": (20,), "DATA": (22, 24), "RST": ()}[p.kind()]
        if not self._expect_len(p, "MP_CAPABLE", o, *lengths):
            return
        if o[2] & 15 != 1:
            self._bad(p, f"MP_CAPABLE version {o[2] & 15}, not 1")
        if not o[3] & 1 or o[3] & 0x5E:
            self._bad(p, f"MP_CAPABLE flags {o[3]:08b}: H must be 1, B and D to G 0")
        if p.kind() == "SYN":
            self.roles[p.stream, p.src, p.sport] = "client"
            self.roles[p.stream, p.dst, p.dport] = "server"
        elif p.kind() == "SYN/ACK":
            self.keys["server"] = struct.unpack(">Q", o[4:12])[0]
        else:
            client, server = struct.unpack(">QQ", o[4:20])
            if self.keys.setdefault("client", client) != client or server != self.keys.get("server"):
                self._bad(p, "MP_CAPABLE with other keys than before")
            if p.kind() == "DATA":
                self._first_data(p, o)
        self._step(f"{p.kind()} MP_CAPABLE len {len(o)}{' A' if o[3] & 128 else ''}{' C' if o[3] & 32 else ''}")

    def _first_data(self, p, o):
        length = struct.unpack(">H", o[20:22])[0]
        if length < p.len:
            self._bad(p, f"MP_CAPABLE maps {length} of {p.len} bytes")

    # ---- 3.2

    def _mp_join(self, p, o):
        kind = "ACK" if p.kind() == "DATA" else p.kind()
        if not self._expect_len(p, "MP_JOIN", o, *{"SYN": (12,), "SYN/ACK": (16,), "ACK": (24,), "RST": ()}[kind]):
            return
        join = self.joins.setdefault(p.stream, {})
        if kind == "SYN":
            self._join_syn(p, o, join)
        elif "by" not in join:
            self._bad(p, "MP_JOIN without a SYN before")
        elif kind == "SYN/ACK":
            join["nonce_b"] = o[12:16]
            if o[4:12] != mac(join["key_b"], join["key_a"], join["nonce_b"] + join["nonce_a"])[:8]:
                self._bad(p, "MP_JOIN SYN/ACK with a wrong HMAC")
        elif o[4:24] != mac(join["key_a"], join["key_b"], join["nonce_a"] + join["nonce_b"])[:20]:
            self._bad(p, "MP_JOIN ACK with a wrong HMAC")
        backup = " B" if kind != "ACK" and o[2] & 1 else ""
        self._step(f"{kind} MP_JOIN len {len(o)}{backup}")

    def _join_syn(self, p, o, join):
        tokens = {token(key): name for name, key in self.keys.items()}
        to = tokens.get(struct.unpack(">I", o[4:8])[0])
        if to is None:
            self._bad(p, "MP_JOIN with the token of nobody")
            return
        by = "client" if to == "server" else "server"
        self.roles[p.stream, p.src, p.sport], self.roles[p.stream, p.dst, p.dport] = by, to
        join.update(by=by, nonce_a=o[8:12], key_a=self.keys[by], key_b=self.keys[to])
        if o[2] & 0x0E:
            self._bad(p, f"MP_JOIN SYN with reserved flags {o[2] & 15:04b}")

    # ---- 3.3

    def _dss(self, p, o):
        flags = o[3] if len(o) > 3 else 0xFF
        if flags & 0xE0:
            self._bad(p, f"DSS with reserved flags {flags:08b}")
            return
        size = 4 + (flags & 1) * (8 if flags & 2 else 4)
        if flags & 4:
            size += (8 if flags & 8 else 4) + 6
        if not self._expect_len(p, f"DSS with flags {flags & 31:05b}", o, size, *([size + 2] if flags & 4 else [])):
            return
        if flags & 0x10 and not flags & 4:
            self._bad(p, "DSS with DATA_FIN and no mapping")
        if p.flags & SYN:
            self._bad(p, "DSS on a SYN")
        self._mapping(p, o, flags, size)

    def _mapping(self, p, o, flags, size):
        at = 4 + (flags & 1) * (8 if flags & 2 else 4)
        who = self._who(p)
        words = ["DSS"] + ["ACK64" if flags & 2 else "ACK32"] * (flags & 1)
        if flags & 4:
            dsn_size = 8 if flags & 8 else 4
            dsn = int.from_bytes(o[at:at + dsn_size], "big")
            ssn, length = struct.unpack(">IH", o[at + dsn_size:at + dsn_size + 6])
            words.append(f"map{8 * dsn_size}")
            words += ["DATA_FIN"] * (flags >> 4 & 1) + ["checksum"] * (len(o) > size)
            self._check_map(p, who, dsn if dsn_size == 8 else None, (ssn, length, flags >> 4 & 1))
        self._step(f"{who} {p.kind()} {' '.join(words)} len {len(o)}")

    def _check_map(self, p, who, dsn, mapping):
        ssn, length, fin = mapping
        isn = self.isn.get((p.stream, p.src, p.sport))
        if who in self.keys and dsn is not None and who not in self.next_dsn:
            # With the client's first bytes under MP_CAPABLE the first DSS comes later in the stream.
            self.next_dsn[who] = (idsn(self.keys[who]) + 1) & M64
            if (dsn - self.next_dsn[who]) & M64 > 1 << 32:
                self._bad(p, f"the first DSN {dsn:#x} of the {who} is not near IDSN + 1 = {self.next_dsn[who]:#x}")
        if fin and length == 1 and p.len == 0:
            if ssn != 0:
                self._bad(p, f"DATA_FIN alone with subflow sequence number {ssn}, not 0")
        elif p.len and isn is not None:
            start = (isn + ssn) & M32
            if (p.seq - start) & M32 >= length - fin or (p.seq + p.len - start - 1) & M32 >= length - fin:
                self._bad(p, f"{p.len} bytes at {(p.seq - isn) & M32} lie outside of their mapping, "
                             f"{length} at {ssn}")

    # ---- 3.4 to 3.7

    def _add_addr(self, p, o):
        echo = o[2] & 1
        lengths = (8, 10, 20, 22) if echo else (16, 18, 28, 30)
        if o[2] & 0x0E:
            self._bad(p, f"ADD_ADDR with reserved flags {o[2] & 15:04b}")
        if not self._expect_len(p, "ADD_ADDR echo" if echo else "ADD_ADDR", o, *lengths):
            return
        body = o[3:] if echo else o[3:-8]
        size = 4 if len(body) in (5, 7) else 16
        address = ipaddress.ip_address(body[1:1 + size])
        has_port = len(body) == size + 3
        if not echo:
            who = self._who(p)
            other = {"client": "server", "server": "client"}.get(who)
            message = body[:1 + size] + (body[1 + size:] if has_port else b"\0\0")
            if who in self.keys and other in self.keys and \
                    o[-8:] != mac(self.keys[who], self.keys[other], message)[-8:]:
                self._bad(p, f"ADD_ADDR {address} with a wrong HMAC")
        self._step(f"{self._who(p)} ADD_ADDR{' echo' if echo else ''}{' port' if has_port else ''} "
                   f"IPv{address.version} len {len(o)}")

    def _remove_addr(self, p, o):
        if len(o) < 4:
            self._bad(p, f"REMOVE_ADDR of {len(o)} bytes")
        self._step(f"{self._who(p)} REMOVE_ADDR len {len(o)}")

    def _mp_prio(self, p, o):
        if self._expect_len(p, "MP_PRIO", o, 3):
            self._step(f"{self._who(p)} MP_PRIO{' B' if o[2] & 1 else ''} len {len(o)}")

    def _mp_fail(self, p, o):
        if self._expect_len(p, "MP_FAIL", o, 12):
            self._step(f"{self._who(p)} MP_FAIL")

    def _mp_fastclose(self, p, o):
        if self._expect_len(p, "MP_FASTCLOSE", o, 12):
            other = {"client": "server", "server": "client"}.get(self._who(p))
            if other in self.keys and struct.unpack(">Q", o[4:12])[0] != self.keys[other]:
                self._bad(p, "MP_FASTCLOSE without the receiver's key")
            self._step(f"{self._who(p)} {p.kind()} MP_FASTCLOSE len {len(o)}")

    def _mp_tcprst(self, p, o):
        if not p.flags & RST:
            self._bad(p, "MP_TCPRST without RST")
        if self._expect_len(p, "MP_TCPRST", o, 4):
            self._step(f"{self._who(p)} MP_TCPRST reason {o[3]}")


if __name__ == "__main__":
    import sys
    for name in sys.argv[1:]:
        trace = Trace(name)
        print(f"{name}: {len(trace.packets)} packets", *trace.steps, *(f"WRONG {w}" for w in trace.wrong), sep="\n  ")
