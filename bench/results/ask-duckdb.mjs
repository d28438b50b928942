// The same question to bare DuckDB: `node ask-duckdb.mjs FILE QUESTION` prints its figures as JSON.
const [file, question] = process.argv.slice(2);

const QUESTIONS = {
  grouped: `SELECT "params.p2", count(*), avg("metrics.m0"), stddev_samp("metrics.m0") FROM runs GROUP BY "params.p2" ORDER BY "params.p2"`,
  page: `SELECT * FROM runs WHERE "metrics.m1" < 0.5 ORDER BY "metrics.m2" DESC LIMIT 50`,
  histogram: `SELECT floor("metrics.m3" * 100) AS bin, count(*) FROM runs GROUP BY bin ORDER BY bin`,
};

const began = performance.now();
const { DuckDBInstance } = await import('@duckdb/node-api');
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
await connection.run(`CREATE VIEW runs AS SELECT * FROM read_parquet('${file.replaceAll("'", "''")}')`);
const ask = async () => (await (await connection.run(QUESTIONS[question])).getRows()).length;
const answer = await ask();
const seconds = (performance.now() - began) / 1000;
const again = performance.now();
await ask();
const warm_ms = performance.now() - again;
const peak_mb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ answer, seconds, warm_ms, peak_mb }));
