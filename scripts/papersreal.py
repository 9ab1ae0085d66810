# SPDX-License-Identifier: Apache-2.0
"""The same as a scenario on real kernels, for scripts/papers: hosts in network namespaces, joined by the link emulator,
plait with its own drivers and beside it a TCP of the kernel. What it measures comes in the form of a simulated run, so
that the same gates can be read off it."""
import json
import pathlib
import subprocess
import tempfile

import netlab

PORT, LATE = 5201, 60


def why_not():
    """Why it cannot be done here, or None."""
    return netlab.why_no_namespaces()


def lab_of(plait, links, logs):
    """links: Mbit/s, round trip in ms, and queue in ms of that rate, of each."""
    paths = []
    for link in links:
        queue = int(link["rate"] * 1e6 / 8 * link["queue_ms"] / 1e3)
        paths.append(netlab.Path("link", options=["--rate", f"{link['rate']}mbit", "--delay", f"{link['rtt_ms'] / 2}ms",
                                                  "--queue", str(queue)]))
    return netlab.Lab(paths, plait=plait, logs=logs)


def server(lab, plait, stack, port):
    name = f"server{port}"
    process = lab.far.popen([plait, "perf", "-s", "--one", "--stack", stack, "-4", port], stdout=lab.open(f"{name}.out"),
                            stderr=lab.open(f"{name}.log"))
    netlab.wait_for(lambda: "listening" in lab.read(f"{name}.log"), 10, "plait perf -s", process)


def client(lab, plait, stack, port, *options):
    return lab.near.popen([plait, "perf", "--json", "--stack", stack, *options, "-4", netlab.Lab.address("far", 0), port],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def goodput(process, seconds):
    """Bits per second that arrived. LabError where it did not end well."""
    try:
        out, error = process.communicate(timeout=seconds + LATE)
    except subprocess.TimeoutExpired as late:
        process.kill()
        raise netlab.LabError("plait perf does not come to an end") from late
    if process.returncode != 0:
        raise netlab.LabError(f"plait perf: {error.strip() or process.returncode}")
    return json.loads(out.splitlines()[-1])["to_server"]["gbit_s"] * 1e9


def aggregate(lab, plait, real, params):
    """One connection over all links."""
    server(lab, plait, "plait", PORT)
    options = ["-t", real["seconds"], "--cc", params["cc"]]
    got = goodput(client(lab, plait, "plait", PORT, *options), real["seconds"])
    return {"share": got / sum(link["rate"] * 1e6 for link in real["links"])}


def beside_tcp(lab, plait, real, params):
    """A connection of two subflows and a TCP of the kernel, all through one link."""
    server(lab, plait, "plait", PORT)
    server(lab, plait, "kernel-tcp", PORT + 1)
    options = ["-t", real["seconds"]]
    mine = client(lab, plait, "plait", PORT, *options, "--cc", params["cc"], "--pm", "ndiffports:2")
    other = client(lab, plait, "kernel-tcp", PORT + 1, *options, "--cc", "cubic")
    mine, other = goodput(mine, real["seconds"]), goodput(other, real["seconds"])
    return {"share": mine / (mine + other)}


HOW = {"aggregate": aggregate, "beside-tcp": beside_tcp}


def runs(plait, real, progress):
    """A run for each set of parameters in `real`, so often; LabError: why there is none."""
    found = []
    for number in range(real.get("times", 1)):
        for params in real["params"]:
            progress(f"{real['how']} {' '.join(map(str, params.values()))}, {number + 1} of {real.get('times', 1)}")
            with tempfile.TemporaryDirectory() as logs, lab_of(plait, real["links"], pathlib.Path(logs)) as lab:
                reports = HOW[real["how"]](lab, plait, real, params)
            found.append({"seed": number + 1, "params": params, "reports": reports, "flows": {}, "links": {}})
    return found
