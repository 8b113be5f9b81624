"""Checks that Python's huggingface_hub reads the cache that peft.cpp fills, and the other way round.

    python tools/hub_agrees.py build/release/bin

Both talk to tests/hub/hub.py on loopback. Each way: what one has fetched, the other uses without a network; what one has
left half done or damaged by a kill, the other completes; a lock that one holds, the other waits for. Without
huggingface_hub it says "skipped" and ends well.
"""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def fill(folder, size):
    folder.mkdir(parents=True)
    for name in FILES:
        folder.joinpath(name).write_text(json.dumps({"file": name, "size": size}))
    folder.joinpath("model.safetensors").write_bytes(random.Random(size).randbytes(size))


def main():
    program = pathlib.Path(sys.argv[1]) / "peft"
    work = pathlib.Path(tempfile.mkdtemp(prefix="peft-hub-"))
    served = work / "served"
    fill(served / "org" / "model", 3_000_000)
    fill(served / "bare", 1000)
    server = subprocess.Popen([sys.executable, str(ROOT / "tests/hub/hub.py"), str(served)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    endpoint = f"http://127.0.0.1:{server.stdout.readline().split()[0]}"
    # Read by huggingface_hub when it is imported.
    os.environ.update(HF_ENDPOINT=endpoint, HF_HOME=str(work / "unused"), HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_XET="1",
                      HF_HUB_DISABLE_TELEMETRY="1")
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
        os.environ.pop(name, None)
    try:
        import huggingface_hub
        from huggingface_hub.utils import WeakFileLock
    except ImportError:
        print("skipped: huggingface_hub is not installed")
        return 0

    def ask(path):
        return urllib.request.urlopen(endpoint + path).read().decode()

    def asked():
        return [json.loads(line) for line in ask("/_log").splitlines()]

    def peft(cache, *words, offline=False, wait=True):
        environment = dict(os.environ, HF_HUB_CACHE=str(cache), HF_HUB_OFFLINE="1" if offline else "0")
        run = subprocess.Popen([str(program), *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if not wait:
            return run
        out, err = run.communicate(timeout=300)
        return run.returncode, out, err

    def theirs(cache, repo, local):
        return [huggingface_hub.hf_hub_download(repo, name, cache_dir=cache, local_files_only=local) for name in FILES]

    def same(repo, paths):
        return all(pathlib.Path(p).read_bytes() == served.joinpath(repo, name).read_bytes() for name, p in zip(FILES, paths))

    def whole(cache):
        info = huggingface_hub.scan_cache_dir(cache)
        return [str(warning) for warning in info.warnings]

    failures = []

    def check(ok, what, *more):
        print(("ok      " if ok else "FAILED  ") + what, *([] if ok else more), flush=True)
        if not ok:
            failures.append(what)

    for repo in ("org/model", "bare"):
        ours = work / f"ours-{repo.replace('/', '-')}"
        code, out, err = peft(ours, "fetch", repo)
        check(code == 0, f"{repo}: peft fetch", err)
        asked()
        check(same(repo, theirs(ours, repo, True)), f"{repo}: huggingface_hub uses peft's files without a network")
        check(not asked(), f"{repo}: and asks nothing")
        check(whole(ours) == [], f"{repo}: scan_cache_dir finds nothing wrong", whole(ours))
        absent = huggingface_hub.try_to_load_from_cache(repo, "vocab.txt", cache_dir=ours)
        check(absent is huggingface_hub.file_download._CACHED_NO_EXIST, f"{repo}: it knows what peft found absent", absent)
        theirs(ours, repo, False)
        check(not [r for r in asked() if r["method"] == "GET"], f"{repo}: online, it downloads nothing again")

        cache = work / f"theirs-{repo.replace('/', '-')}"
        paths = theirs(cache, repo, False)
        asked()
        code, out, err = peft(cache, "fetch", repo, offline=True)
        check(code == 1 and "HF_HUB_OFFLINE" in err, f"{repo}: peft fetch says that it is offline", err)
        code, out, err = peft(cache, "fetch", repo)
        check(code == 0 and pathlib.Path(out.strip()) == pathlib.Path(paths[0]).parent, f"{repo}: peft uses its files", out, err)
        check(not [r for r in asked() if "/resolve/" in r["path"]], f"{repo}: and downloads nothing")
        code, out, err = peft(cache, "cache", "verify", repo)
        check(code == 0 and "4 files" in out, f"{repo}: peft cache verify finds nothing wrong", out, err)

    snapshot = work / "snapshot"
    huggingface_hub.snapshot_download("org/model", cache_dir=snapshot)
    asked()
    code, out, err = peft(snapshot, "fetch", "org/model")
    check(code == 0 and not [r for r in asked() if "/resolve/" in r["path"]], "after snapshot_download peft downloads nothing", err)

    # Killed at any moment: what is left is whole for both, and either goes on.
    ask("/_mode?slow=0.01")  # 46 pieces
    cache, wrong, killed = work / "killed", [], 0
    for round_ in range(25):
        run = peft(cache, "fetch", "org/model", wait=False)
        time.sleep(0.7 * random.Random(round_).random())
        run.send_signal(signal.SIGKILL)
        whole_now = run.wait() == 0
        killed += not whole_now
        if cache.exists():
            wrong += whole(cache)
        code, out, err = peft(cache, "cache", "verify")
        if code != 0:
            wrong.append(out + err)
        if whole_now:
            subprocess.run(["rm", "-r", str(cache)], check=True)
    check(not wrong and killed > 0, f"killed {killed} times of 25, the cache is whole for both", wrong)
    subprocess.run(["rm", "-rf", str(cache)], check=True)
    run = peft(cache, "fetch", "org/model", wait=False)
    time.sleep(0.3)
    run.send_signal(signal.SIGKILL)
    run.wait()
    ask("/_mode?")
    check(same("org/model", theirs(cache, "org/model", False)), "huggingface_hub completes what peft left")
    check(whole(cache) == [], "and finds nothing wrong", whole(cache))

    ask("/_mode?slow=0.05")
    cache = work / "killed-theirs"
    code = "import sys, huggingface_hub; huggingface_hub.hf_hub_download('org/model', 'model.safetensors', cache_dir=sys.argv[1])"
    run = subprocess.Popen([sys.executable, "-c", code, str(cache)], stderr=subprocess.DEVNULL)
    while not list(cache.glob("**/*.incomplete")) and run.poll() is None:
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.wait()
    ask("/_mode?")
    code, out, err = peft(cache, "fetch", "org/model")
    check(code == 0 and same("org/model", [pathlib.Path(out.strip(), n) for n in FILES]), "peft completes what huggingface_hub left", err)

    # One lock for both.
    cache = work / "locked"
    etag = "".join(p.name for p in (work / "ours-org-model/models--org--model/blobs").iterdir() if len(p.name) == 64)
    lock = cache / ".locks" / "models--org--model" / f"{etag}.lock"
    lock.parent.mkdir(parents=True)
    with WeakFileLock(lock):
        run = peft(cache, "fetch", "org/model", wait=False)
        time.sleep(3)
        check(run.poll() is None, "peft waits for a lock of huggingface_hub")
    out, err = run.communicate(timeout=60)
    check(run.returncode == 0 and "waiting" in err, "and goes on when it is free", err)

    server.kill()
    subprocess.run(["rm", "-r", str(work)], check=False)
    print(f"huggingface_hub {huggingface_hub.__version__}: " + (f"{len(failures)} failures" if failures else "all agree"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
