// The data of the page, and functions that read it.

async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

const DATA = await inflated(byId("data").textContent);

const isTimed = (row) => row.typical_s !== null;

const processesOf = (row) =>
  row.processes.map((places) => Object.fromEntries(DATA.process.map(([name], i) => [name, places[i]])));

const manifestOf = (row) =>
  row.manifest.map((number) => {
    const [name, expected, found, holds] = DATA.items[number];
    return { name, expected, found, holds };
  });

const byName = (group, name) => group.rows.find((row) => row.implementation === name);

function median(values) {
  const ordered = [...values].sort((a, b) => a - b);
  const middle = ordered.length >> 1;
  return ordered.length % 2 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2;
}

// How many times faster than the baseline: the median of the ratios of both sides' fastest epochs in the same
// rounds, and its interval by order statistics, as benchmarks/stats.py has it (the ranks are from there).
function speedup(baseline, row) {
  if (!baseline || !isTimed(baseline) || !isTimed(row)) return null;
  if (row === baseline) return { value: 1, low: null, high: null, coverage: null, n: row.n_rounds };
  const before = new Map(processesOf(baseline).map((process) => [process.round, process.min_s]));
  const logs = processesOf(row)
    .filter((process) => before.has(process.round))
    .map((process) => Math.log(before.get(process.round) / process.min_s))
    .sort((a, b) => a - b);
  if (!logs.length) return null;
  const [rank, coverage] = DATA.ranks[logs.length] ?? [null, null];
  return {
    value: Math.exp(median(logs)),
    low: rank && Math.exp(logs[rank - 1]),
    high: rank && Math.exp(logs[logs.length - rank]),
    coverage,
    n: logs.length,
  };
}

// The same, with the text of the tables if the baseline is the run's own.
function comparisonWith(baselineName, group, row) {
  const ratio = speedup(byName(group, baselineName), row);
  const own = baselineName === group.baseline;
  return {
    ...ratio,
    text: own ? row.text.speedup : times(ratio?.value),
    intervalText: own ? row.text.speedup_low : interval(ratio ?? {}),
  };
}

// The number of epochs from which the first is done before the second; each is {first, epoch} in s. null: never.
function epochsToWin(one, other) {
  if (one.first < other.first) return 1;
  if (one.epoch >= other.epoch) return null;
  return Math.floor((one.first - other.first) / (other.epoch - one.epoch)) + 2;
}

const costs = (row, caches) => ({ first: caches === "cold" ? row.cold_s : row.warm_s, epoch: row.typical_s });

// How many checks of these rows hold and how many fail; a check without a result is not counted.
function checksOf(rows) {
  const verdicts = rows.flatMap((row) => row.manifest.map((number) => DATA.items[number].at(-1)));
  return { holds: verdicts.filter((each) => each === true).length, fails: verdicts.filter((each) => each === false).length };
}
