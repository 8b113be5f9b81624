#!/usr/bin/env python3
"""A hub on loopback that misbehaves: what tests/hub and tools that need no network talk to.

    python3 hub.py FOLDER [--large BYTES]

Serves FOLDER/glue/* and FOLDER/senteval/* as files, and FOLDER/<org>/<name>/* as the models <org>/<name> (and FOLDER/<name>/* as <name>), each with one commit per branch:
FOLDER/<...>@<branch> beside it is another branch. Prints two ports: the hub's, and that of "another host", where large files
(ending in .safetensors or .bin) are, as the real hub's are. Only the standard library.

How it behaves is set by GET /_mode?KEY=VALUE&... (an empty query: well), and GET /_log gives what was asked as JSON lines:
    drop=N        closes the connection after N bytes of a large file, always; drop_once=N: at the first request only
    truncate=N    says it is the whole file, and sends N bytes less
    wrong=1       changes a byte of large files; wrong_small=1: of small ones
    busy=N        answers N requests with 503; many=N: with 429 and Retry-After: after=S
    gated=1       403 and GatedRepo; unauthorized=1: 401 to whoever has no token, and to the token "bad"
    private=1     401 and RepoNotFound, as the hub answers for what one may not know of
    slow=S        waits S seconds before every 64 kB of a large file
    endless=1     sends a large file without an end; endless_headers=1, endless_list=1: the same of headers, of the list
    no_range=1    answers a Range with 200 and all of it; wrong_range=1: with another part
    away=URL      redirects the small files there; circle=1: to themselves; tag=TEXT: sends this ETag
    rename=NAME   307 of the model to NAME, as for models that were renamed
    no_etag=1, no_size=1, bad_commit=1, list=TEXT
"""
import hashlib
import http.server
import json
import os
import sys
import threading
import time
import urllib.parse

ROOT = sys.argv[1]
LOG, MODE, LOCK = [], {}, threading.Lock()
PORTS = {}
CUT = set()


def git_tag(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def is_large(name):
    return name.endswith((".safetensors", ".bin"))


class Tags:
    """Digests of large files, computed once."""
    known = {}

    @classmethod
    def of(cls, path):
        key = (path, os.path.getmtime(path), os.path.getsize(path))
        if key not in cls.known:
            digest = hashlib.sha256()
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
            cls.known[key] = digest.hexdigest()
        return cls.known[key]


def tag_of(path):
    if is_large(path):
        return Tags.of(path)
    with open(path, "rb") as file:
        return git_tag(file.read())


def folder_of(repo, revision):
    """The folder of a branch or commit; None if there is none."""
    base = os.path.join(ROOT, repo)
    names = {"main": base}
    parent = os.path.dirname(base)
    if os.path.isdir(parent):
        for entry in os.listdir(parent):
            if entry.startswith(os.path.basename(base) + "@"):
                names[entry.split("@", 1)[1]] = os.path.join(parent, entry)
    if revision in names:
        return names[revision] if os.path.isdir(names[revision]) else None
    for folder in names.values():
        if os.path.isdir(folder) and commit_of(folder) == revision:
            return folder
    return None


def files_of(folder):
    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            found.append(os.path.relpath(os.path.join(where, name), folder))
    return sorted(found)


def commit_of(folder):
    text = folder + "".join(f + tag_of(os.path.join(folder, f)) for f in files_of(folder))
    return hashlib.sha1(text.encode()).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    other = False  # "another host"

    def log_message(self, *_):
        pass

    def mode(self, key):
        return MODE.get(key, "")

    def count_down(self, key):
        with LOCK:
            left = int(MODE.get(key) or 0)
            if left > 0:
                MODE[key] = str(left - 1)
            return left > 0

    def answer(self, status, body=b"", headers=(), length=True):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        try:
            self.serve()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        if path == "/_mode":
            MODE.clear()
            CUT.clear()
            MODE.update(urllib.parse.parse_qsl(url.query))
            return self.answer(200)
        if path == "/_log":
            with LOCK:
                text = "".join(json.dumps(line) + "\n" for line in LOG)
                LOG.clear()
            return self.answer(200, text.encode())
        with LOCK:
            LOG.append({"method": self.command, "path": path, "host": "other" if self.other else "hub",
                        "authorization": self.headers.get("Authorization", ""), "range": self.headers.get("Range", "")})
        if self.count_down("busy"):
            return self.answer(503)
        if self.count_down("many"):
            return self.answer(429, headers=[("Retry-After", self.mode("after") or "0")])
        if self.mode("endless_headers"):
            self.send_response(200)
            self.end_headers_forever()
            return
        if path.startswith(("/glue/", "/senteval/")):  # GLUE's files, plain ones
            return self.send_file(os.path.join(ROOT, path.lstrip("/")))
        if self.other:
            return self.send_file(os.path.join(ROOT, path.lstrip("/")))
        if self.mode("private"):
            return self.answer(401, headers=[("X-Error-Code", "RepoNotFound")])
        if self.mode("gated"):
            return self.answer(403, headers=[("X-Error-Code", "GatedRepo"), ("X-Error-Message", "Access is restricted")])
        token = self.headers.get("Authorization", "")
        if self.mode("unauthorized") and token in ("", "Bearer bad"):
            return self.answer(401)
        if "/tree/" in path and path.startswith("/api/models/"):
            return self.tree(path[len("/api/models/"):])
        if path.startswith("/api/models/"):
            return self.list(path[len("/api/models/"):], url.query)
        if "/resolve/" in path:
            return self.resolve(path.lstrip("/"))
        self.answer(404)

    def end_headers_forever(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")

    def list(self, rest, query):
        repo, _, revision = rest.partition("/revision/")
        revision = revision or "main"
        if self.mode("rename") and repo != self.mode("rename"):
            target = f"/api/models/{self.mode('rename')}/revision/{urllib.parse.quote(revision, safe='')}?{query}"
            return self.answer(307, headers=[("Location", target)])
        if self.mode("endless_list"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"sha": "')
            while True:
                self.wfile.write(b"a" * 65536)
        if self.mode("list"):
            return self.answer(200, self.mode("list").encode())
        if folder_of(repo, "main") is None:
            return self.answer(404, headers=[("X-Error-Code", "RepoNotFound")])
        folder = folder_of(repo, revision)
        if folder is None:
            return self.answer(404, headers=[("X-Error-Code", "RevisionNotFound")])
        siblings = [{"rfilename": f, "size": os.path.getsize(os.path.join(folder, f))} for f in files_of(folder)]
        commit = "../../x" if self.mode("bad_commit") else commit_of(folder)
        self.answer(200, json.dumps({"id": repo, "sha": commit, "siblings": siblings}).encode())

    def tree(self, rest):
        """What huggingface_hub's snapshot_download asks for."""
        repo, _, revision = rest.partition("/tree/")
        folder = folder_of(repo, revision)
        if folder is None:
            return self.answer(404, headers=[("X-Error-Code", "RepoNotFound")])
        entries = []
        for name in files_of(folder):
            path = os.path.join(folder, name)
            entry = {"type": "file", "path": name, "size": os.path.getsize(path), "oid": tag_of(path)[:40]}
            if is_large(name):
                entry["lfs"] = {"oid": tag_of(path), "size": entry["size"], "pointerSize": 130}
            entries.append(entry)
        return self.answer(200, json.dumps(entries).encode())

    def resolve(self, rest):
        repo, _, rest = rest.partition("/resolve/")
        revision, _, name = rest.partition("/")
        revision = urllib.parse.unquote(revision)
        if self.mode("rename") and repo != self.mode("rename"):
            return self.answer(307, headers=[("Location", f"/{self.mode('rename')}/resolve/{revision}/{name}")])
        folder = folder_of(repo, revision)
        if folder is None:
            return self.answer(404, headers=[("X-Error-Code", "RepoNotFound")])
        commit = commit_of(folder)
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            return self.answer(404, headers=[("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", commit)])
        tag = self.mode("tag") or tag_of(path)
        headers = [("X-Repo-Commit", commit)]
        if is_large(name):
            where = urllib.parse.quote(os.path.relpath(path, ROOT))
            location = f"http://127.0.0.1:{PORTS['other']}/{where}?Signature=secret"
            headers += [("X-Linked-Etag", f'"{tag}"'), ("X-Linked-Size", str(os.path.getsize(path))), ("Location", location)]
            return self.answer(302, headers=headers)
        if self.mode("circle"):
            return self.answer(302, headers=[("Location", self.path)])
        if self.mode("away"):
            return self.answer(302, headers=[("Location", self.mode("away"))])
        with open(path, "rb") as file:
            data = file.read()
        if not self.mode("no_etag"):
            headers.append(("ETag", f'W/"{tag}"'))
        if self.mode("wrong_small") and self.command == "GET":
            data = bytes([data[0] ^ 1]) + data[1:]
        if self.mode("no_size"):
            self.answer(200, data, headers + [("Connection", "close")], length=False)
            self.close_connection = True
            return None
        self.answer(200, data, headers)

    def send_file(self, path):
        if not os.path.isfile(path):
            return self.answer(404)
        size = os.path.getsize(path)
        begin = 0
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes=") and not self.mode("no_range"):
            begin = int(asked[6:].split("-")[0])
            if begin >= size:
                return self.answer(416, headers=[("Content-Range", f"bytes */{size}")])
        self.send_response(206 if begin else 200)
        if begin:
            said = begin - 1 if self.mode("wrong_range") else begin
            self.send_header("Content-Range", f"bytes {said}-{size - 1}/{size}")
        end = size
        if self.mode("truncate"):
            end = max(begin, size - int(self.mode("truncate")))
            self.send_header("Connection", "close")
            self.close_connection = True
        if self.mode("endless"):
            self.send_header("Connection", "close")
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 65536)
        if not self.mode("truncate") or self.command == "HEAD":
            self.send_header("Content-Length", str(size - begin))
        self.end_headers()
        if self.command == "HEAD":
            return None
        drop = int(self.mode("drop") or 0)
        if self.mode("drop_once") and path not in CUT:
            CUT.add(path)
            drop = int(self.mode("drop_once"))
        if drop:
            end = min(end, begin + drop)
            self.close_connection = True
        plain = not (self.mode("slow") or self.mode("wrong"))
        with open(path, "rb") as file:
            if plain:
                self.wfile.flush()
                sent = begin
                while sent < end:
                    sent += os.sendfile(self.connection.fileno(), file.fileno(), sent, min(end - sent, 1 << 24))
                return None
            file.seek(begin)
            while begin < end:
                block = file.read(min(1 << 16, end - begin))
                if self.mode("wrong") and begin == 0:
                    block = bytes([block[0] ^ 1]) + block[1:]
                if self.mode("slow"):
                    time.sleep(float(self.mode("slow")))
                self.wfile.write(block)
                begin += len(block)
        return None


class Other(Hub):
    other = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that was killed, or that has had enough


def main():
    servers = [Server(("127.0.0.1", 0), kind) for kind in (Hub, Other)]
    PORTS["hub"], PORTS["other"] = (server.server_address[1] for server in servers)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(PORTS["hub"], PORTS["other"], flush=True)
    sys.stdin.read()  # until whoever started it is gone


if __name__ == "__main__":
    main()
