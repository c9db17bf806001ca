"""A git repository served over HTTP on loopback by git's own server program."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@example.org")
# Nothing of a person's own configuration of git is to be heeded.
QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


@dataclass(frozen=True, kw_only=True)
class GitRepository:
    """A served repository and the work tree from which it is filled."""

    url: str
    work: Path

    def publish(self, message: str) -> str:
        """Commit the work tree as it is and serve it; return the revision."""
        run_git("add", "--all", cwd=self.work)
        run_git(*IDENTITY, "commit", "-qm", message, cwd=self.work)
        run_git("push", "-q", "origin", "main", cwd=self.work)
        return run_git("rev-parse", "HEAD", cwd=self.work).strip()

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands in a file of the work tree."""
        path = self.work / file
        text = path.read_text()
        assert old in text, f"{file} does not say {old!r}"
        path.write_text(text.replace(old, new))


@contextmanager
def serve_git(folder: Path, *, source: Path, parts: tuple[str, ...]) -> Iterator[GitRepository]:
    """Serve a repository whose first commit is a copy of these parts of a folder."""
    bare, work = folder / "served" / "sup-messenger.git", folder / "work"
    run_git("init", "-q", "--bare", "--initial-branch=main", str(bare), cwd=source)
    run_git("clone", "-q", str(bare), str(work), cwd=source)
    run_git("checkout", "-q", "-B", "main", cwd=work)
    for part in parts:
        shutil.copytree(source / part, work / part)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _build_handler(bare.parent))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/{bare.name}"
        repository = GitRepository(url=url, work=work)
        repository.publish("as it is")
        yield repository
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run_git(*words: str, cwd: Path) -> str:
    """Run git; return what it printed."""
    done = subprocess.run(
        ["git", *words],
        cwd=cwd,
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _build_handler(root: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Hands each request to `git http-backend` as a web server does by CGI."""

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            named = {
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            }
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                env=os.environ
                | QUIET
                | {key: value for key, value in named.items() if value}
                | {
                    "GIT_PROJECT_ROOT": str(root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": asked.path,
                    "QUERY_STRING": asked.query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_LENGTH": str(len(body)),
                },
                capture_output=True,
                timeout=60,
                check=False,
            )
            self._answer(done.stdout)

        do_POST = do_GET

        def _answer(self, output: bytes) -> None:
            head, _, content = output.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
