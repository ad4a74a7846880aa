// 3. When does compiling pay? 4. How far are they from the hardware? 5. Can these figures be trusted?

function compiling(selected) {
  const { group, caches, baseline } = selected;
  const other = byName(group, baseline);
  showTrainings(selected);
  showPlot("decision-map", selected);
  showPlot("cost-split", selected);
  const rows = group.rows.filter((row) => isTimed(row) && row !== other && costs(row, caches).first !== null);
  if (!other || !isTimed(other) || !rows.length) {
    fill("break-even", element("p", { class: "note" }, "Nothing to compare here."));
    return "Nothing was timed here that could be compared.";
  }
  const wins = rows.map((row) => ({ row, n: epochsUntil(row, other, caches) }))
    .sort((a, b) => (a.n ?? Infinity) - (b.n ?? Infinity) || a.row.typical_s - b.row.typical_s);
  fill("break-even", breakEvenTable(wins, baseline, group));
  const slow = wins.filter(({ row, n }) => n !== null && n > 1 && row.tier !== "floor");
  if (!slow.length) return ["Against ", code(baseline), ", no implementation that starts later catches up."];
  const best = fastest(slow.map(({ row }) => row));
  const after = (n) => strong(count(n, "epoch"));
  return [`With ${caches} caches, `, code(slow[0].row.implementation), " has caught up with ", code(baseline), " after ", after(slow[0].n),
    best === slow[0].row ? "" : ["; ", code(best.implementation), ", the fastest one that does, after ", after(wins.find(({ row }) => row === best).n)], "."];
}

// The number of epochs from which the row's training ends before the other's; null: never, or not known.
const epochsUntil = (row, other, caches) => {
  const [mine, theirs] = [costs(row, caches), costs(other, caches)];
  const known = mine.first !== null && theirs.first !== null;
  return known && mine.epoch < theirs.epoch ? epochsToWin(mine, theirs) : null;
};

function breakEvenTable(wins, baseline, group) {
  const other = byName(group, baseline);
  const said = (n) => (n === null ? "never" : n === 1 ? "from the start" : grouped(n));
  const cell = (row, caches) => ([row, other].some((each) => costs(each, caches).first === null) ? NONE : said(epochsUntil(row, other, caches)));
  return simpleTable([{ title: "implementation" }, { title: "cold caches", numeric: true }, { title: "warm caches", numeric: true }],
    wins.map(({ row }) => [element("span", { class: "named" }, mark(row), code(row.implementation)),
      cell(row, "cold"), cell(row, "warm")]),
    { caption: `Epochs after which a training has taken less time than ${baseline}`, kind: "break-even" });
}

// The time of a whole training by its number of epochs: the first call, and then one epoch after the other.
function showTrainings({ group, caches, tiers }) {
  const total = (row, n) => costs(row, caches).first + (n - 1) * row.typical_s;
  const rows = group.rows.filter((row) => isTimed(row) && row.tier !== "floor" && tiers.has(row.tier) && costs(row, caches).first !== null)
    .sort((a, b) => total(a, EPOCHS.at(-1)) - total(b, EPOCHS.at(-1))).slice(0, MOST_LINES);
  const lowest = Math.min(...rows.map((row) => total(row, 1)));
  const labels = apart(rows.map((row) => total(row, EPOCHS.at(-1))), lowest);
  const values = rows.flatMap((row, i) => EPOCHS.map((n) => ({
    ...drawnAs(row), epochs: n, seconds: total(row, n), time: si(total(row, n), "s"),
    ...(n === EPOCHS.at(-1) ? { label: row.implementation, "label at": labels[i] } : {}),
  })));
  showTemplate("trainings", { title: `How long a whole training takes, ${caches} caches`, values, missing: "Nothing was timed here." });
}

const EPOCHS = Array.from({ length: 31 }, (_, i) => Math.round(10 ** (i / 6)));
const MOST_LINES = 16; // more could not be distinguished

// Moves the places of labels, ascending, as far up as each needs: by a factor, since the axis is logarithmic.
function apart(places, lowest) {
  const least = (places.at(-1) / lowest) ** LABEL_SHARE;
  return places.reduce((placed, place) => [...placed, Math.max(place, (placed.at(-1) ?? 0) * least)], []);
}

const LABEL_SHARE = 0.037; // of the plot's height

function hardware(selected) {
  const { group } = selected;
  const rows = group.rows.filter((row) => row.times_floor !== null && row.tier !== "floor").sort((a, b) => a.times_floor - b.times_floor);
  const values = rows.slice(0, MOST_DRAWN).map((row) => ({ ...drawnAs(row), "times as long": row.text.times_floor, distance: row.times_floor }));
  showTemplate("distances", { title: "How many times as long as the native floor", values,
    missing: `${DATA.floor} was not timed here, so there is no floor to compare with.` });
  showPlot("throughput", selected);
  if (!rows.length) return ["Not known: ", code(DATA.floor), " was not timed here."];
  const floor = byName(group, DATA.floor);
  const last = rows.at(-1);
  return [code(rows[0].implementation), isByHand(rows[0]) ? " (gradient by hand)" : "", " takes ", strong(rows[0].text.times_floor), ` the floor’s ${floor.text.typical_s} an epoch`,
    rows.length > 1 ? [", ", code(last.implementation), ` ${last.text.times_floor}`] : "", "."];
}

function trust(selected) {
  const { group, run } = selected;
  showPlot("spread", selected);
  showPlot("trend", selected);
  fill("provenance", facts(factsOf(run)));
  const warnings = warningsOf(selected);
  fill("warnings", warnings.length ? element("ul", null, warnings.map((each) => element("li", null, each))) : null);
  const timed = group.rows.filter(isTimed);
  const { holds, fails } = checksOf(group.rows);
  const checks = [strong(`${grouped(holds)} of ${grouped(holds + fails)}`), " checks of fairness hold"];
  if (!timed.length) return [checks, "; nothing was timed."];
  const spread = median(timed.map(spreadOf));
  const rounds = Math.max(...timed.map((row) => row.n_rounds));
  const how = rounds > 1 ? ["; from round to round, fastest epochs differ by ", strong(`${(spread * 100).toFixed(1)} %`)] : "; one round does not show the noise";
  return [checks, how, warnings.length ? [", and there ", warnings.length > 1 ? "are " : "is ", strong(count(warnings.length, "warning"))] : ", and there is no warning", "."];
}

// How much longer the slowest of the rounds' fastest epochs is than the fastest.
function spreadOf(row) {
  const minima = processesOf(row).map((process) => process.min_s);
  return Math.max(...minima) / Math.min(...minima) - 1;
}

function warningsOf({ group, run }) {
  const contended = !group.device.startsWith("cpu") ? [] : group.rows
    .map((row) => [row, Math.min(...processesOf(row).map((process) => process.cpu_per_wall))])
    .filter(([row, share]) => isTimed(row) && share < DATA.contended)
    .map(([row, share]) => `${row.implementation}: a process got only ${Math.round(share * 100)} % of its core, because another process ran there; its times are too long.`);
  const rounds = Math.max(0, ...group.rows.map((row) => row.n_rounds));
  return [
    run.interrupted && `The run was interrupted (${run.interrupted}): some rounds are missing.`,
    run.quick && "A quick look: one round, no interval.",
    !run.timed && "Nothing was timed: each case was verified once.",
    run.timed && rounds > 0 && !DATA.ranks[rounds] && `${count(rounds, "round")}: too few for an interval.`,
    !run.pinned_to.length && "The system could not pin processes to a core.",
    ...contended,
  ].filter(Boolean);
}
