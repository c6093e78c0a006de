"""A stand-in for W&B's server on this machine: it keeps what it is sent of runs."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
PROJECT = {"id": "p", "internalId": "1", "name": "drawsim", "entity": {"id": "e", "name": "me"}}


@dataclass
class Run:
    """A run as W&B has it: line of history -> row, and what else was sent."""

    history: dict[int, Json] = field(default_factory=dict)
    summary: Json = field(default_factory=dict)
    exit_code: int | None = None

    @property
    def epochs(self) -> list[int]:
        return [self.history[line]["epoch"] for line in sorted(self.history)]


class Server(ThreadingHTTPServer):
    """runs: by id. artifacts: (type, name) of each that was made. sizes: file's path -> bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs: dict[str, Run] = {}
        self.artifacts: list[tuple[str, str]] = []
        self.used: list[str] = []
        self.sizes: dict[str, int] = {}

    def handle_error(self, *_: Any) -> None:
        """Nothing: a client that has ended leaves its connections as they are."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def stream(self, identity: str, sent: Json) -> None:
        """Lines of a run's history and its summary."""
        run = self.runs.setdefault(identity, Run())
        for name, part in (sent.get("files") or {}).items():
            lines = [json.loads(line) for line in part["content"]]
            if name == "wandb-history.jsonl":
                run.history |= {part["offset"] + i: line for i, line in enumerate(lines)}
            elif name == "wandb-summary.json":
                run.summary = lines[-1]
        if sent.get("complete"):
            run.exit_code = sent.get("exitcode")

    def answer(self, question: str, given: Json) -> Json:
        """What a question of W&B's client is answered; nothing is enough for most."""
        answers = {
            "Viewer": self._viewer,
            "UpsertBucket": self._upsert,
            "RunResumeStatus": self._resume,
            "CreateRunFiles": self._files,
            "ArtifactType": lambda _: {"project": {"artifact": None}},
            "CreateArtifact": self._artifact,
            "CreateArtifactManifest": self._manifest,
            "CreateArtifactFiles": self._artifact_files,
            "CommitArtifact": lambda v: {"commitArtifact": {"artifact": {"id": v["artifactID"]}}},
            "UseArtifact": self._use,
        }
        return answers[question](given) if question in answers else {}

    def _viewer(self, given: Json) -> Json:
        teams: Json = {"edges": []}
        return {"viewer": {"id": "u", "entity": "me", "username": "me", "teams": teams}}

    def _upsert(self, given: Json) -> Json:
        name = given["name"]
        run = self.runs.setdefault(name, Run())
        bucket = {"id": name, "name": name, "displayName": given.get("displayName")}
        bucket |= {"project": PROJECT, "historyLineCount": len(run.history)}
        return {"upsertBucket": {"bucket": bucket, "inserted": not run.history}}

    def _resume(self, given: Json) -> Json:
        run = self.runs.get(given["name"])
        bucket = None
        if run is not None:
            last = [json.dumps(run.history[line]) for line in sorted(run.history)[-1:]]
            bucket = {"id": given["name"], "name": given["name"], "tags": [], "config": "{}"}
            bucket |= {"historyLineCount": len(run.history), "historyTail": json.dumps(last)}
            bucket |= {"eventsLineCount": 0, "eventsTail": "[]", "logLineCount": 0}
            bucket |= {"summaryMetrics": json.dumps(run.summary), "wandbConfig": '{"t": 1}'}
        return {"model": {**PROJECT, "bucket": bucket}}

    def _files(self, given: Json) -> Json:
        files = [{"name": n, "uploadUrl": f"{self.url}/files/{n}"} for n in given["files"]]
        return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}

    def _artifact(self, given: Json) -> Json:
        self.artifacts.append((given["artifactTypeName"], given["artifactCollectionName"]))
        sequence = {"id": "s", "latestArtifact": None}
        made = {"id": str(len(self.artifacts)), "state": "PENDING", "artifactSequence": sequence}
        return {"createArtifact": {"artifact": made}}

    def _manifest(self, given: Json) -> Json:
        file = {"id": "f", "name": "m", "displayName": "m", "uploadHeaders": []}
        file["uploadUrl"] = f"{self.url}/manifest/{given['artifactID']}"
        return {"createArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}

    def _artifact_files(self, given: Json) -> Json:
        nodes = [
            {
                **{"id": "f", "name": one["name"], "displayName": one["name"], "storagePath": "x"},
                **{"uploadHeaders": [], "uploadMultipartUrls": None},
                "artifact": {"id": one["artifactID"]},
                "uploadUrl": f"{self.url}/artifact/{one['name']}",
            }
            for one in given["artifactFiles"]
        ]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def _use(self, given: Json) -> Json:
        self.used.append(given["artifactID"])
        return {"useArtifact": {"artifact": {"id": given["artifactID"]}}}


class Handler(BaseHTTPRequestHandler):
    """Questions, lines of runs, and files."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        self._reply({})

    def do_PUT(self) -> None:
        self.server.sizes[self.path] = len(self._body())
        self._reply({})

    def do_POST(self) -> None:
        body = self._body()
        if self.path.endswith("/file_stream"):
            self.server.stream(self.path.split("/")[-2], json.loads(body))
            self._reply({})
        elif self.path.endswith("/graphql"):
            sent = json.loads(body)
            given = sent.get("variables") or {}
            question = re.findall(r"(?:query|mutation)\s+(\w+)", sent["query"])[0]
            self._reply({"data": self.server.answer(question, given.get("input", given))})
        else:  # what W&B counts about its own use
            self._reply({})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _reply(self, content: Json) -> None:
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def serving() -> Iterator[Server]:
    """The server, as long as it is needed."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
