import json, sys
import polars as pl

[experiment] = sys.argv[1:]


def described(frame, of=lambda name: name):
    names = ["n", "lr", "opt", "flag", "loss", "epochs", "odd", "odd (text)", "odd (null)"]
    loss = pl.col(of("loss"))
    means = frame.filter(loss.is_finite()).group_by(of("opt")).agg(loss.mean())
    return {
        "types": {name: str(frame.schema[of(name)]) for name in [*names]},
        "time": str(frame.schema["started_at"]),
        "start": frame["started_at"][1].isoformat(),
        "tags": frame["tags"].to_list()[0],
        "n": frame[of("n")].to_list(),
        "nan": frame[of("loss")].is_nan().sum(),
        "missing": frame[of("epochs")].null_count(),
        "null": frame[of("odd (null)")].to_list().index(True),
        "means": dict(means.iter_rows()),
    }


def stored(name):
    return ("params." if name in ("n", "lr", "opt", "flag") else "metrics.") + name


def points(frame):
    return {
        "types": {name: str(frame.schema[name]) for name in ["name", "step", "value"]},
        "n": len(frame),
        "nan": frame["value"].is_nan().sum(),
        "sum": frame["value"].drop_nans().sum(),
    }


print(
    json.dumps(
        {
            "store": described(pl.read_parquet(f"{experiment}/runs/*.parquet"), stored),
            "parquet": described(pl.read_parquet("runs.parquet")),
            "arrow": described(pl.read_ipc("runs.arrow")),
            "storeSeries": points(pl.read_parquet(f"{experiment}/series/*.parquet")),
            "parquetSeries": points(pl.read_parquet("series.parquet")),
            "arrowSeries": points(pl.read_ipc("series.arrow")),
            "csv": pl.read_csv("runs.csv", schema_overrides={"loss": pl.Float64})["loss"].drop_nans().len(),
        }
    )
)
