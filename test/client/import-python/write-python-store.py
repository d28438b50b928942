"""Writes stores as the Python metalab does, with the standard library only.

    write-python-store.py FOLDER lab              three experiments below a root, with broken files
    write-python-store.py FOLDER flat             two experiments in one runs/, without manifests
    write-python-store.py FOLDER flat-derived     derived metrics for all runs of the one before
    write-python-store.py FOLDER sharded-folders  layout 2: files in folders of two characters
    write-python-store.py FOLDER odd              records of other versions and writers
    write-python-store.py FOLDER many COUNT       one experiment of many records
"""

import hashlib
import json
import pickle
import struct
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

SCHEMA = "0.1"
START = datetime(2025, 3, 1, 9, 0, 0, 123456)


def canonical(value):
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return value


def fingerprint(value):
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, sort_keys=True), encoding="utf-8")


def npy(values):
    """A .npy file, version 1.0, of float64."""
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }" % len(values)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("latin1")
    return head + struct.pack("<%dd" % len(values), *values)


class Store:
    """One folder with runs/, artifacts/, logs/ and so on."""

    def __init__(self, root, experiment_id=None, shards=False):
        self.root = Path(root)
        self.shards = shards
        meta = {"schema_version": SCHEMA, "created_by": "metalab"}
        if experiment_id:
            meta["experiment_id"] = experiment_id
        if shards:
            meta["layout_version"] = 2
        write_json(self.root / "_meta.json", meta)

    def place(self, kind, run_id):
        return self.root / kind / run_id[:2] if self.shards else self.root / kind

    def manifest(self, experiment_id, base, replicates, stamp="20250301_090000", **more):
        name, version = experiment_id.rsplit(":", 1)
        safe = experiment_id.replace(":", "_")
        write_json(
            self.root / "experiments" / f"{safe}_{stamp}.json",
            {
                "experiment_id": experiment_id,
                "name": name,
                "version": version,
                "description": "what it is about",
                "tags": ["lab"],
                "operation": {"ref": "ops:train", "name": "train", "code_hash": "c0de"},
                "params": {"type": "GridSource", "spec": {"lr": [0.1, 0.2]}},
                "seeds": {"type": "SeedPlan", "base": base, "replicates": replicates},
                "context_fingerprint": "ctx",
                "metadata": {"paper": "draft"},
                "total_runs": 2 * replicates,
                "submitted_at": f"2025-03-01T09:00:00.{stamp[-6:]}",
                **more,
            },
        )

    def run(self, experiment_id, params, base=7, replicate=0, minute=0, status="success", **more):
        seed = fingerprint({"root_seed": base, "replicate_index": replicate})
        parts = {
            "experiment_id": experiment_id,
            "context_fp": "ctx",
            "params_fp": fingerprint(params),
            "seed_fp": seed,
        }
        run_id = more.get("run_id") or fingerprint(parts)
        started = START + timedelta(minutes=minute)
        record = {
            "_schema_version": SCHEMA,
            "run_id": run_id,
            "experiment_id": experiment_id,
            "status": status,
            "context_fingerprint": "ctx",
            "params_fingerprint": parts["params_fp"],
            "seed_fingerprint": seed,
            "started_at": started.isoformat(),
            "finished_at": (started + timedelta(seconds=2)).isoformat(),
            "duration_ms": 2000,
            "metrics": {},
            "provenance": {
                "code_hash": "c0de",
                "python_version": None,
                "metalab_version": "0.3.0",
                "executor_id": "thread",
                "host": "node7",
                "extra": {},
            },
            "error": None,
            "params_resolved": params,
            "tags": [],
            "warnings": [],
            "notes": None,
            "artifacts": [],
            **more,
        }
        write_json(self.place("runs", run_id) / f"{run_id}.json", record)
        return run_id

    def artifact(self, run_id, file, content, kind, listed=True, uri=None):
        """Saves the bytes. Returns the descriptor, which a record has in `artifacts`."""
        folder = self.place("artifacts", run_id) / run_id
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / file
        path.write_bytes(content)
        name, _, extension = file.partition(".")
        descriptor = {
            "artifact_id": f"id-of-{name}",
            "name": name,
            "kind": kind,
            "format": extension or "binary",
            "uri": uri or str(path),
            "content_hash": hashlib.sha256(content).hexdigest()[:16],
            "size_bytes": len(content),
            "metadata": {"_run_id": run_id, "author": "me"},
        }
        if listed:
            manifest = folder / "_manifest.json"
            known = json.loads(manifest.read_text()) if manifest.exists() else {"artifacts": []}
            known["artifacts"].append(descriptor)
            write_json(manifest, known)
        return descriptor

    def log(self, run_id, name, text):
        path = self.place("logs", run_id) / f"{run_id}_{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def result(self, run_id, name, data, **more):
        value = {"data": data, "dtype": None, "shape": None, "metadata": {}, **more}
        write_json(self.place("results", run_id) / run_id / f"{name}.json", value)

    def derived(self, run_id, values):
        write_json(self.place("derived", run_id) / f"{run_id}.json", values)


def sweep(root):
    """Two params, two replicates: metrics, logs, curves, data and derived metrics."""
    store = Store(root / "sweep_1.0", "sweep:1.0")
    store.manifest("sweep:1.0", base=7, replicates=2)
    ids = []
    for case, lr in enumerate([0.1, 0.2]):
        for replicate in range(2):
            run_id = store.run(
                "sweep:1.0",
                {"lr": lr, "layers": [8, {"width": 4}]},
                replicate=replicate,
                minute=2 * case + replicate,
                metrics={"loss": lr / 2, "best": True, "note": "ok", "bound": float("-inf"), "n": 2**60 + 1},
                tags=["fast"],
            )
            short = run_id[:8]
            store.log(
                run_id,
                "run",
                f"2025-03-01 09:00:01 [INFO   ] [metalab.run.{short}.thread:1] begun\n"
                f"2025-03-01 09:00:02 [WARNING] [sklearn] slow: lr={lr}\n"
                "no time here\n",
            )
            curve = [[step, lr / (step + 1)] for step in range(5)]
            store.result(run_id, "loss", curve, shape=[5, 2], metadata={"type": "stepped_metric"})
            store.result(run_id, "matrix", [[1.0, 2.0], [3.0, float("nan")]], dtype="float64", shape=[2, 2])
            store.derived(run_id, {"gap": lr * 10, "verdict": "good"})
            ids.append(run_id)
    return store, ids


def failures(root):
    """A success, a failure, a cancelled run and one that never ended."""
    store = Store(root / "failures_2.0", "failures:2.0")
    store.manifest("failures:2.0", base=7, replicates=1)
    store.run("failures:2.0", {"x": 1}, minute=0, metrics={"y": 1})
    error = {"type": "ValueError", "message": "no such x", "traceback": "Traceback (most recent call last):\n  x"}
    store.run("failures:2.0", {"x": 2}, minute=1, status="failed", error=error, notes="look at it")
    store.run("failures:2.0", {"x": 3}, minute=2, status="cancelled", warnings=[{"message": "stopped by hand"}])
    store.run("failures:2.0", {"x": 4}, minute=3, status="running")


def artifacts(root):
    """A run with artifacts of every format, and how their uris lead to them."""
    store = Store(root / "figures_0.1", "figures:0.1")
    store.manifest("figures:0.1", base=7, replicates=1)
    run_id = store.run("figures:0.1", {"kind": "all"})
    zipped = root / "arrays.zip"
    with zipfile.ZipFile(zipped, "w") as file:
        file.writestr("arr.npy", npy([1.0, 2.0]))
    saved = [
        store.artifact(run_id, "table.json", b'{"a": [1, 2]}', "json"),
        store.artifact(run_id, "vector.npy", npy([0.5, -1.5, 3.0]), "numpy"),
        store.artifact(run_id, "arrays.npz", zipped.read_bytes(), "numpy"),
        store.artifact(run_id, "model.pkl", pickle.dumps({"w": [1, 2]}), "pickle"),
        store.artifact(run_id, "report.txt", "naïve\n".encode(), "file"),
        store.artifact(run_id, "plot.png", b"\x89PNG\r\n\x1a\n", "image"),
        store.artifact(run_id, "raw", bytes(range(256)), "blob"),
        store.artifact(run_id, "large.bin", b"\xab" * (3 * 1024 * 1024), "file"),
        # Python ran in another folder, and the store was moved since.
        store.artifact(run_id, "moved.json", b"1", "json", uri="/data/old/figures_0.1/artifacts/%s/moved.json" % run_id),
        store.artifact(run_id, "relative.json", b"2", "json", uri="runs/lab/artifacts/%s/relative.json" % run_id),
    ]
    gone = store.artifact(run_id, "gone.json", b"3", "json")
    (store.root / "artifacts" / run_id / "gone.json").unlink()
    outside = root.parent / "secret.txt"
    outside.write_text("not of the store")
    elsewhere = dict(saved[0], name="elsewhere", uri=str(outside), content_hash="0" * 16)
    store.artifact(run_id, "listed.csv", b"a,b\n1,2\n", "file")
    store.artifact(run_id, "loose.txt", b"nobody names it", "file", listed=False)
    zipped.unlink()
    store.run("figures:0.1", {"kind": "all"}, artifacts=[*saved, gone, elsewhere])
    return run_id


def broken(root):
    runs = root / "sweep_1.0" / "runs"
    (runs / "aaaa.json").write_text('{"run_id": "aaaa", "status": "succ')
    (runs / "bbbb.json").write_text("")
    (runs / "cccc.json").write_text("[1, 2]")
    (runs / "dddd.json").write_bytes(b'{"run_id": "\xff\xfe"}')
    write_json(runs / "eeee.json", {"run_id": "eeee", "status": "exploded"})
    (runs / "ffff.tmp.12345678").write_text("half a record of a writer that was killed")
    (root / "sweep_1.0" / "derived" / "aaaa.json").write_text("{}")


def lab(root):
    _, ids = sweep(root)
    failures(root)
    run_id = artifacts(root)
    broken(root)
    print(json.dumps({"sweep": ids, "figures": run_id}))


def flat(root):
    store = Store(root)
    for x in range(3):
        run_id = store.run("one:1", {"x": x}, minute=x, metrics={"y": x})
        (store.root / "logs" / run_id).mkdir(parents=True)
        (store.root / "logs" / run_id / "stdout.txt").write_text(f"printed {x}\n")
    other = store.run("two:1", {"x": 0}, metrics={"z": 1})
    (store.root / "logs" / f"label_{other[:8]}_run.log").write_text("a line of an early version\n")
    # The same params and seed under another context: another run of the same cell.
    store.run("two:1", {"x": 0}, metrics={"z": 2}, run_id="f" * 16, context_fingerprint="other", minute=1)


def flat_derived(root):
    for record in (root / "runs").glob("*.json"):
        write_json(root / "derived" / record.name, {"late": 1})


def sharded_folders(root):
    store = Store(root / "deep_1", "deep:1", shards=True)
    store.manifest("deep:1", base=3, replicates=3)
    for replicate in range(3):
        run_id = store.run("deep:1", {"x": 1}, base=3, replicate=replicate, minute=3 - replicate, metrics={"y": replicate})
        store.log(run_id, "run", "2025-03-01 09:00:01 [ERROR  ] [metalab.run.x] bad\n")
        store.derived(run_id, {"d": replicate})
        store.artifact(run_id, "a.json", b"{}", "json")
        store.result(run_id, "curve", [[0, 1]], metadata={"type": "stepped_metric"})


def odd(root):
    """What other versions and writers may have left: few fields, other words, other times."""
    runs = root / "My exp_1.0 beta" / "runs"
    write_json(root / "My exp_1.0 beta" / "_meta.json", {"experiment_id": "My exp:1.0 beta"})
    least = {"status": "Status.SUCCESS"}
    write_json(runs / "least.json", least)
    write_json(
        runs / "times.json",
        {
            "run_id": "times",
            "status": "SUCCESS",
            "started_at": "2025-01-01T00:00:00+02:00",
            "finished_at": "2024-12-31T22:00:05.5Z",
            "params_resolved": {"big": 2**63, "nan": float("nan"), "deep": {"list": [1, None, 2**70]}},
            "metrics": {"none": None, "list": [1, 2], "nan": float("nan"), "inf": float("inf"), "text": "a\ud800b 🎉"},
            "future_field": {"kept": True},
            "notes": ["one", "two"],
            "error": "only text",
        },
    )
    write_json(runs / "nostatus.json", {"run_id": "nostatus", "params": {"x": 1}})
    # Python's json itself would refuse to write or read it.
    (runs / "nested.json").write_text('{"run_id": "nested", "params": {"x": ' + "[" * 3000 + "]" * 3000 + "}}")


def many(root, count):
    store = Store(root / "many_1", "many:1")
    store.manifest("many:1", base=7, replicates=2)
    for number in range(count):
        store.run(
            "many:1",
            {"x": number // 2, "y": number % 7},
            replicate=number % 2,
            minute=number,
            metrics={"loss": 1 / (number + 1)},
        )


if __name__ == "__main__":
    target, what, *more = Path(sys.argv[1]), *sys.argv[2:]
    target.mkdir(parents=True, exist_ok=True)
    if what == "many":
        many(target, int(more[0]))
    else:
        stores = {"lab": lab, "flat": flat, "flat-derived": flat_derived, "sharded-folders": sharded_folders, "odd": odd}
        stores[what](target)
