import json, sys
import duckdb

[experiment] = sys.argv[1:]


def described(file, of=lambda name: name):
    types = {row[0]: row[1] for row in duckdb.sql(f"DESCRIBE FROM '{file}'").fetchall()}
    names = ["n", "lr", "opt", "flag", "loss", "epochs", "odd", "odd (text)", "odd (null)"]
    loss, opt = of("loss"), of("opt")
    finite = f'FILTER (isfinite("{loss}"))'
    means = duckdb.sql(f'SELECT "{opt}", avg("{loss}") {finite} FROM \'{file}\' GROUP BY 1').fetchall()
    [counts] = duckdb.sql(
        f"SELECT count(*), count(*) FILTER (isnan(\"{loss}\")), count(\"{of('epochs')}\"), max(\"{of('n')}\") FROM '{file}'"
    ).fetchall()
    return {
        "types": {name: types[of(name)] for name in names},
        "time": types["started_at"],
        "counts": counts,
        "means": dict(means),
    }


def stored(name):
    return ("params." if name in ("n", "lr", "opt", "flag") else "metrics.") + name


def points(file):
    sql = f"SELECT count(*), count(*) FILTER (isnan(value)), sum(value) FILTER (NOT isnan(value)) FROM '{file}'"
    return duckdb.sql(sql).fetchall()[0]


print(
    json.dumps(
        {
            "store": described(f"{experiment}/runs/*.parquet", stored),
            "parquet": described("runs.parquet"),
            "storeSeries": points(f"{experiment}/series/*.parquet"),
            "parquetSeries": points("series.parquet"),
            "csv": duckdb.sql(f"SELECT count(loss) FROM 'runs.csv'").fetchall()[0][0],
            "ndjson": duckdb.sql(f"SELECT count(epochs) FROM read_ndjson('runs.ndjson')").fetchall()[0][0],
        }
    )
)
