import json, sys
import pandas as pd

[experiment] = sys.argv[1:]


def described(frame, of=lambda name: name):
    def cells(name):
        return [repr(value) for value in frame[of(name)]]

    names = ["n", "lr", "opt", "flag", "loss", "epochs", "odd", "odd (text)", "odd (null)"]
    start = frame["started_at"]
    return {
        "types": {name: str(frame[of(name)].dtype) for name in names if of(name) in frame},
        "time": str(start.dtype),
        "start": start[1].isoformat() if hasattr(start[1], "isoformat") else start[1],
        "n": [int(value) for value in frame[of("n")]],
        "flag": [bool(value) for value in frame[of("flag")]],
        "loss": cells("loss"),
        "missing": [bool(value) for value in frame[of("epochs")].isna()],
        "means": frame[frame[of("loss")].abs() != float("inf")].groupby(of("opt"))[of("loss")].mean().to_dict(),
    }


def stored(name):
    return ("params." if name in ("n", "lr", "opt", "flag") else "metrics.") + name


def points(frame):
    frame = frame.sort_values(["run_id", "step"])
    curves = frame.groupby("step")["value"]
    return {
        "types": {name: str(frame[name].dtype) for name in ["name", "step", "value"]},
        "names": sorted(set(frame["name"])),
        "n": len(frame),
        "means": {str(step): mean for step, mean in curves.mean().items()},
        "missing": int(frame["value"].isna().sum()),
    }


print(
    json.dumps(
        {
            "store": described(pd.read_parquet(f"{experiment}/runs"), stored),
            "parquet": described(pd.read_parquet("runs.parquet")),
            "arrow": described(pd.read_feather("runs.arrow")),
            "csv": described(pd.read_csv("runs.csv", parse_dates=["started_at", "finished_at"])),
            "storeSeries": points(pd.read_parquet(f"{experiment}/series")),
            "parquetSeries": points(pd.read_parquet("series.parquet")),
            "arrowSeries": points(pd.read_feather("series.arrow")),
            "csvSeries": points(pd.read_csv("series.csv")),
            "ndjson": len(pd.read_json("runs.ndjson", lines=True)),
        }
    )
)
