"""The two engines as child processes that make training steps on request (bench/serve.h, torch_step.py)."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # Debian's: python3-torch is not seen by others
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
OPENBLAS = LIBRARIES + "/openblas-openmp"
TCMALLOC = LIBRARIES + "/libtcmalloc_minimal.so.4"
# Seen to halve the speed of both where a machine sets them for another processor.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES")


def missing_packages():
    """What to install before anything can be compared; empty when all is there."""
    missing = []
    if subprocess.run([PYTHON, "-c", "import torch"], capture_output=True).returncode:
        missing.append("python3-torch")
    if not os.path.isdir(OPENBLAS):
        missing.append("libopenblas0-openmp")
    return missing


def clean_environment(**more):
    kept = {k: v for k, v in os.environ.items() if k not in UNSET}
    return {**kept, **more}


def torch_environment(threads):
    """PyTorch as fast as it gets here: OpenBLAS with OpenMP, pinned threads, a recycling allocator, AVX-512 kernels where the
    processor has them (this build does not choose them by itself)."""
    more = {"OMP_NUM_THREADS": str(threads), "LD_LIBRARY_PATH": OPENBLAS}
    if threads == len(os.sched_getaffinity(0)):  # as engine/base/threads.h: fewer would all be pinned onto the first cores
        more.update(OMP_PROC_BIND="true", OMP_PLACES="cores")
    if os.path.exists(TCMALLOC):
        more["LD_PRELOAD"] = TCMALLOC
    with open("/proc/cpuinfo") as cpuinfo:
        if "avx512bw" in cpuinfo.read():
            more["ATEN_CPU_CAPABILITY"] = "avx512"
    return clean_environment(**more)


def busy_seconds():
    """Processor time that the whole machine has used so far, by whomever (time stolen by the host included)."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal = (int(n) for n in stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class Child:
    """One engine with one case. `ready` is what it said of itself."""

    def __init__(self, command, environment, directory):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, cwd=directory, stdin=pipe, stdout=pipe, text=True)
        self.command = command
        self.ready = self.read()
        self.resident_peak = 0

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("side_by_side.py: a child ended: " + " ".join(self.command)[:300])
        return json.loads(line)

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return self.read()

    def run(self, steps):
        """(tokens, seconds) of that many steps."""
        said = self.ask(f"run {steps}")
        self.resident_peak = said["resident_peak"]
        return said["tokens"], sum(said["seconds"])

    def busy_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def above_weights(self):
        return self.resident_peak - self.ready["resident_before"] - self.ready["weight_bytes"]

    def close(self):
        try:
            self.process.stdin.write("quit\n")
            self.process.stdin.close()
            self.process.wait(timeout=20)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ours(binary, case, threads):
    command = [binary, "--serve", "--model", case["model"], "--strategy", case["strategy"], "--batch", str(case["batch"]),
               "--lengths", case["lengths"], "--batches", str(case["batches"]), "--dropout", str(case["dropout"]),
               "--clip", str(case["clip"]), "--threads", str(threads)]
    return Child(command, clean_environment(), HERE)


def theirs(case, padding, first, threads, **more):
    """PyTorch with the shape and the lengths that our child `first` has; stops if it trains other parameters."""
    config = {"shape": first.ready["shape"], "strategy": case["strategy"], "lengths": first.ready["lengths"], "padding": padding,
              "dropout": case["dropout"], "clip": case["clip"], "threads": threads, "foreach": False, **more}
    child = Child([PYTHON, "-B", os.path.join(HERE, "torch_step.py"), json.dumps(config)], torch_environment(threads), HERE)
    for key in ("trained_parameters", "parameters"):
        if child.ready[key] != first.ready[key]:
            child.close()
            sys.exit(f"side_by_side.py: {case['model']} {case['strategy']}: {key} are {first.ready[key]} here and "
                     f"{child.ready[key]} in PyTorch: not the same work")
    return child
