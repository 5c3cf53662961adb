"""What the stub of the Hub answers, a method for each endpoint."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from fnmatch import fnmatch
from urllib.parse import parse_qs, unquote

from .repos import File, Repo, entry, folder

TOKENS = {"hf_writer": "write", "hf_reader": "read"}
_LFS = ("*.parquet", "*.tar", "*.png", "*.jpg", "*.arrow")
_REGULAR = 10 * 2**20  # bytes above which everything is LFS


class Answer(Exception):
    def __init__(self, status, body=None, **headers):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers


class Endpoints:
    """The part of a request handler that knows the Hub."""

    def route(self):
        for method, pattern, name in _ROUTES:
            match = re.fullmatch(pattern, self.parts.path)
            if match and self.command in method.split():
                groups = {key: unquote(value or "") for key, value in match.groupdict().items()}
                repo = groups.pop("id", None)
                handler = getattr(self, f"_{name}")
                return (
                    handler(**groups) if repo is None else handler(self._repo(repo, name), **groups)
                )
        raise Answer(404, {"error": "no such endpoint"})

    def _token(self):
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _repo(self, name, action):
        repo, right = self.server.repos.get(name), TOKENS.get(self._token())
        if self._token() and right is None:
            raise Answer(
                401, {"error": "bad"}, X_Error_Message="Invalid credentials in Authorization header"
            )
        if repo is None or (repo.private and right is None):
            raise Answer(
                404 if right else 401,
                {"error": "Repository not found"},
                X_Error_Code="RepoNotFound",
            )
        if repo.gated:
            raise Answer(403, {"error": "gated"}, X_Error_Code="GatedRepo", X_Error_Message="gated")
        if action in _WRITES and right != "write":
            raise Answer(403 if right else 401, {"error": "no right"}, X_Error_Message="no right")
        return repo

    def _commit_of(self, repo, revision):
        oid = repo.find(revision or "main")
        if oid is None:
            raise Answer(404, {"error": "Invalid rev"}, X_Error_Code="RevisionNotFound")
        return oid

    def _create(self):
        asked = json.loads(self.body)
        right = TOKENS.get(self._token())
        if right != "write":
            raise Answer(403 if right else 401, {"error": "no right"}, X_Error_Message="no right")
        name = f"{asked['organization'] or 'me'}/{asked['name']}"
        if name in self.server.repos:
            raise Answer(409, {"error": "You already created this dataset repo"})
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.server.repos[name] = Repo(name, private=private)
        return Answer(200, {"url": f"{self.server.url}/datasets/{name}", "name": name})

    def _yaml(self):
        return Answer(200, {"errors": [], "warnings": []})

    def _whoami(self):
        return Answer(200, {"type": "user", "name": "me", "orgs": [], "auth": {}})

    def _info(self, repo, revision=""):
        oid = self._commit_of(repo, revision)
        siblings = [{"rfilename": path} for path in sorted(repo.commits[oid])]
        info = {
            "_id": "1",
            "id": repo.name,
            "author": repo.name.split("/")[0],
            "sha": oid,
            "private": repo.private,
        }
        more = {"gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": []}
        date = {"lastModified": "2026-11-22T00:00:00.000Z", "createdAt": "2026-11-22T00:00:00.000Z"}
        return Answer(200, info | more | date | {"siblings": siblings})

    def _refs(self, repo):
        heads = [
            {"name": n, "ref": f"refs/heads/{n}", "targetCommit": c} for n, c in repo.refs.items()
        ]
        tags = [
            {"name": n, "ref": f"refs/tags/{n}", "targetCommit": c} for n, c in repo.tags.items()
        ]
        return Answer(200, {"branches": heads, "converts": [], "tags": tags})

    def _commits(self, repo, revision):
        self._commit_of(repo, revision)
        listed = [
            {
                "id": oid,
                "title": title,
                "message": "",
                "date": "2026-11-22T00:00:00.000Z",
                "authors": [],
            }
            for oid, title in reversed(repo.history)
        ]
        return Answer(200, listed)

    def _tree(self, repo, revision, path=""):
        files = repo.commits[self._commit_of(repo, revision)]
        prefix = f"{path}/" if path else ""
        inside = {name: file for name, file in files.items() if name.startswith(prefix)}
        if path and not inside:
            raise Answer(404, {"error": "no entry"}, X_Error_Code="EntryNotFound")
        folders = {
            str(prefix + name[len(prefix) :].rpartition("/")[0])
            for name in inside
            if "/" in name[len(prefix) :]
        }
        folders = {
            "/".join(f.split("/")[: n + 1])
            for f in folders
            for n in range(prefix.count("/"), f.count("/") + 1)
        }
        if self.query.get("recursive", [""])[0].lower() not in {"true", "1"}:
            inside = {name: file for name, file in inside.items() if "/" not in name[len(prefix) :]}
            folders = {folder for folder in folders if "/" not in folder[len(prefix) :]}
        entries = [folder(f) for f in sorted(folders)] + [
            entry(n, f) for n, f in sorted(inside.items())
        ]
        return Answer(200, entries)

    def _paths(self, repo, revision):
        files = repo.commits[self._commit_of(repo, revision)]
        form = parse_qs(self.body.decode())
        asked = form.get("paths") or json.loads(self.body or b"{}").get("paths", [])
        found = [entry(path, files[path]) for path in asked if path in files]
        found += [
            folder(p) for p in asked if p not in files and any(f.startswith(f"{p}/") for f in files)
        ]
        return Answer(200, found)

    def _tag(self, repo, revision):
        name = json.loads(self.body)["tag"]
        if name in repo.tags:
            raise Answer(409, {"error": "Tag reference exists already"})
        repo.tags[name] = self._commit_of(repo, revision)
        return Answer(201, {})

    def _untag(self, repo, name):
        del repo.tags[name]
        return Answer(200, {})

    def _squash(self, repo, revision):
        files = repo.commits[self._commit_of(repo, revision)]
        repo.commits.clear()
        repo.history.clear()
        repo.commit(revision, files, "Super-squash branch")
        return Answer(200, {})

    def _branch(self, repo, name):
        if name in repo.refs:
            raise Answer(409, {"error": "Reference already exists"})
        repo.refs[name] = self._commit_of(repo, json.loads(self.body or b"{}").get("startingPoint"))
        return Answer(201, {})

    def _preupload(self, repo, revision):
        there = repo.commits[self._commit_of(repo, revision)]
        files = []
        for file in json.loads(self.body)["files"]:
            path = file["path"]
            lfs = file["size"] > _REGULAR or any(fnmatch(path, pattern) for pattern in _LFS)
            known = (
                {"oid": there[path].blob if not there[path].lfs else there[path].sha256}
                if path in there
                else {}
            )
            files.append(
                {"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False}
                | known
            )
        return Answer(200, {"files": files})

    def _batch(self, repo):
        objects = []
        for item in json.loads(self.body)["objects"]:
            put = {"href": f"{self.server.url}/lfs/{item['oid']}"}
            check = {"href": f"{self.server.url}/lfs-verify"}
            new = (
                {}
                if item["oid"] in self.server.blobs
                else {"actions": {"upload": put, "verify": check}}
            )
            objects.append({"oid": item["oid"], "size": item["size"]} | new)
        return Answer(200, {"transfer": "basic", "objects": objects})

    def _put(self, oid):
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise Answer(400, {"error": "wrong digest"})
        self.server.blobs[oid] = self.body
        return Answer(200, {})

    def _verify(self):
        return Answer(200 if json.loads(self.body)["oid"] in self.server.blobs else 404, {})

    def _commit(self, repo, revision):
        head = repo.refs.get(revision)
        if head is None:
            raise Answer(404, {"error": "Invalid rev"}, X_Error_Code="RevisionNotFound")
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit") not in {None, head}:
            raise Answer(412, {"error": "A commit has happened since"})
        files = dict(repo.commits[head])
        for line in lines[1:]:
            self._apply(files, line["key"], line["value"])
        oid = repo.commit(revision, files, header["summary"])
        return Answer(
            200,
            {
                "success": True,
                "commitOid": oid,
                "commitUrl": f"{self.server.url}/datasets/{repo.name}/commit/{oid}",
            },
        )

    def _apply(self, files, key, value):
        path = value["path"]
        if key == "file":
            files[path] = File(base64.b64decode(value["content"]), lfs=False)
        elif key == "lfsFile":
            if value["oid"] not in self.server.blobs:
                raise Answer(400, {"error": f"LFS object of {path} is missing"})
            files[path] = File(self.server.blobs[value["oid"]], lfs=True)
        elif key == "deletedFile":
            if path not in files:
                raise Answer(
                    404,
                    {"error": "A file with this name doesn't exist"},
                    X_Error_Code="EntryNotFound",
                )
            del files[path]
        else:
            for inside in [name for name in files if name.startswith(path.rstrip("/") + "/")]:
                del files[inside]

    def _resolve(self, repo, revision, path):
        oid = self._commit_of(repo, revision)
        file = repo.commits[oid].get(path)
        if file is None:
            raise Answer(404, b"", X_Error_Code="EntryNotFound", X_Repo_Commit=oid)
        headers = {"X_Repo_Commit": oid, "ETag": f'"{file.sha256 if file.lfs else file.blob}"'}
        headers |= {"Content_Type": "application/octet-stream", "Accept_Ranges": "bytes"}
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not match:
            return Answer(200, file.data, **headers)
        first, last = int(match[1]), min(int(match[2] or len(file.data) - 1), len(file.data) - 1)
        if first > last:
            raise Answer(416, b"", Content_Range=f"bytes */{len(file.data)}", **headers)
        span = f"bytes {first}-{last}/{len(file.data)}"
        return Answer(206, file.data[first : last + 1], Content_Range=span, **headers)


_ID = r"(?P<id>[\w.-]+/[\w.-]+)"
_API = rf"/api/datasets/{_ID}"
_ROUTES = [
    ("POST", "/api/repos/create", "create"),
    ("POST", "/api/validate-yaml", "yaml"),
    ("GET", "/api/whoami-v2", "whoami"),
    ("GET", _API, "info"),
    ("GET", rf"{_API}/revision/(?P<revision>[^/]+)", "info"),
    ("GET", rf"{_API}/refs", "refs"),
    ("GET", rf"{_API}/commits/(?P<revision>[^/]+)", "commits"),
    ("GET", rf"{_API}/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?", "tree"),
    ("POST", rf"{_API}/paths-info/(?P<revision>[^/]+)", "paths"),
    ("POST", rf"{_API}/tag/(?P<revision>[^/]+)", "tag"),
    ("DELETE", rf"{_API}/tag/(?P<name>[^/]+)", "untag"),
    ("POST", rf"{_API}/super-squash/(?P<revision>[^/]+)", "squash"),
    ("POST", rf"{_API}/branch/(?P<name>[^/]+)", "branch"),
    ("POST", rf"{_API}/preupload/(?P<revision>[^/]+)", "preupload"),
    ("POST", rf"{_API}/commit/(?P<revision>[^/]+)", "commit"),
    ("POST", rf"/datasets/{_ID}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "put"),
    ("POST", "/lfs-verify", "verify"),
    ("GET HEAD", rf"/(?:datasets/)?{_ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "resolve"),
]
_WRITES = {"tag", "untag", "squash", "branch", "preupload", "commit", "batch"}
