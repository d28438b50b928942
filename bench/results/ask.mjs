// One question to metalab, in a process of its own: `node ask.mjs STORE QUESTION` prints its figures as JSON.
const [store, question] = process.argv.slice(2);

const QUESTIONS = {
  grouped: async (results) => (await results.groupBy('p2').stats('m0', ['mean', 'ci95'])).groups.length,
  page: async (results) => (await results.where('m1', '<', 0.5).sort('-m2').limit(50).table()).rows.length,
  histogram: async (results) => {
    const bins = { low: 0, width: 0.01, count: 100, log: false };
    return (await results.histogram('m3', bins)).length;
  },
};

const began = performance.now();
const { openResults } = await import('metalab');
const results = await openResults(store, 'measured');
const answer = await QUESTIONS[question](results);
const seconds = (performance.now() - began) / 1000;
const again = performance.now();
await QUESTIONS[question](results);
const warm_ms = performance.now() - again;
await results.close();
const peak_mb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ answer, seconds, warm_ms, peak_mb }));
