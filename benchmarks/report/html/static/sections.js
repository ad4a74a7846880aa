// The five questions, answered for what is selected.

function renderSections(selected) {
  const answers = { agree: agreement(selected), fast: speed(selected), pay: compiling(selected), floor: hardware(selected), trust: trust(selected) };
  for (const [name, answer] of Object.entries(answers)) {
    fill(`answer-${name}`, answer);
  }
}

// 1. Did they compute the same thing?
function agreement(selected) {
  const { group } = selected;
  const judged = group.rows.filter((row) => row.verdict !== "not measured");
  const right = judged.filter((row) => row.verdict === "verified");
  showPlot("losses", selected);
  showDeviations(selected);
  fill("unverified", unverifiedTable(group));
  fill("agreement", unfolding("Every implementation’s agreement", () => agreementTable(group)));
  if (!judged.length) return ["Nothing could be run here."];
  const wrong = judged.filter((row) => row.verdict !== "verified");
  const absent = group.rows.length - judged.length;
  return [
    wrong.length ? [strong(`${wrong.length} of ${judged.length} not: `), listed(wrong.map((row) => `${row.implementation} is ${row.verdict}`)), ". "] : null,
    right.length ? [wrong.length ? "The others agree" : [strong("Yes."), " ", right.length === 1 ? "The one that ran agrees" : `All ${right.length} agree`], " with the reference at every step", furthestOf(right), "."] : null,
    absent ? ` ${count(absent, "other")} can’t run here.` : null,
  ];
}

function furthestOf(rows) {
  const furthest = rows.reduce((most, row) => ((row.deviation ?? 0) > (most.deviation ?? 0) ? row : most));
  return furthest.deviation === null ? "" : [`; the largest deviation, ${furthest.text.deviation}, is that of `, code(furthest.implementation)];
}

function showDeviations({ group }) {
  const values = group.rows.filter((row) => row.deviation).sort((a, b) => b.deviation - a.deviation).slice(0, MOST_DRAWN)
    .map((row) => ({ ...drawnAs(row), deviation: row.text.deviation, allowed: exponent(group.loss_tolerance), furthest: row.deviation, tolerance: group.loss_tolerance }));
  showTemplate("deviations", { title: `Largest deviation of a loss from the reference; ${exponent(group.loss_tolerance)} is allowed`, values,
    missing: "No deviation is known here." });
}

function unverifiedTable(group) {
  const rows = group.rows.filter((row) => row.verdict !== "verified");
  if (!rows.length) return null;
  return simpleTable([{ title: "implementation" }, { title: "verdict" }, { title: "reason" }],
    rows.map((row) => [code(row.implementation), verdict(row), row.reason ?? ""]), { caption: "Without a time" });
}

function agreementTable(group) {
  return simpleTable([{ title: "implementation" }, { title: "verdict" }, { title: "steps", numeric: true },
    { title: "largest deviation of a loss", numeric: true }, { title: "of a parameter", numeric: true }, { title: "reference" }],
  group.rows.map((row) => [code(row.implementation), verdict(row),
    row.agreement ? grouped(row.agreement.n_steps) : NONE, row.text.deviation,
    exponent(row.agreement?.max_parameter_deviation), row.agreement?.reference ?? NONE]), { caption: "Agreement with the reference" });
}

// 2. Who is faster, by how much, how sure?
function speed(selected) {
  const { group } = selected;
  const lines = selected.present.flatMap((tier) => group.pairs.filter((line) => line.tier === tier));
  const pairs = lines.filter(({ byHand }) => !byHand);
  fill("pairs", lines.length ? pairTable(lines, group) : element("p", { class: "note" }, "There is no tier in which both frameworks were timed."));
  showSpeedups(selected);
  const timed = group.rows.filter((row) => isTimed(row) && row.tier !== "floor");
  if (!timed.length) return ["Nothing was timed here."];
  const unsure = pairs.filter(({ winner, sure }) => winner && !sure);
  const doubtful = pairs.filter(({ doubtful }) => doubtful).map(({ tier }) => tier);
  const best = fastest(timed);
  const ratio = comparisonWith(selected.baseline, group, best);
  const against = best.implementation === selected.baseline || !ratio.value ? "" : [`; by its fastest ones it is ${ratio.text} as fast as `, code(selected.baseline), ratio.low ? ` (${ratio.intervalText})` : ""];
  return [
    won(pairs.filter(({ sure }) => sure)), unsure.length ? ["With too few rounds to be sure: ", won(unsure)] : null,
    doubtful.length ? `In tier ${listed(doubtful)} the fastest epochs and the typical ones name different winners. ` : null,
    "The shortest typical epoch is ", code(best.implementation), `'s: ${best.text.typical_s}`, isByHand(best) ? " (gradient by hand)" : "", against, ".",
  ];
}

// "JAX by 1.38× in tier step and 2.47× in tier epoch."
const won = (pairs) => ["JAX", "PyTorch"].map((who) => wins(who, pairs.filter(({ winner }) => winner === who)));
const wins = (who, pairs) => (pairs.length
  ? [strong(who), " by ", listed(pairs.map(({ ratio, tier }) => `${ratio} in tier ${tier}`)), ". "]
  : null);

// By the typical time.
const fastest = (rows) => rows.reduce((best, row) => (best === null || row.typical_s < best.typical_s ? row : best), null);

// The fastest of either framework, tier by tier, as benchmarks/analysis/head_to_head.py compares them.
function pairTable(lines, group) {
  return [
    simpleTable([{ title: "tier" }, { title: "PyTorch’s fastest" }, { title: "JAX’s fastest" }, { title: "faster (95 %)" }],
      lines.map(({ name, torch, jax, who, rest }) => [name, named(byName(group, torch)), named(byName(group, jax)), [strong(who), rest]]),
      { caption: "The fastest of either framework, tier by tier", kind: "pairs" }),
    element("p", { class: "note" }, "In a line “by hand” the gradient is written out; in the others the framework derives it. Only gradients of one kind are compared."),
  ];
}

const named = (row) => (row ? [element("span", { class: "named" }, mark(row), code(row.implementation)), " ", element("small", null, row.text.typical_s)] : NONE);

function showSpeedups(selected) {
  const values = rowsInOrder({ ...selected, sort: "typical_s", descending: false }).filter(({ ratio }) => ratio.value).slice(0, MOST_DRAWN)
    .map(({ row, ratio }) => ({ ...drawnAs(row), "times as fast": ratio.text, "95 % interval": ratio.intervalText,
      label: ratio.low && innerWidth >= NARROW ? `${ratio.text}  (${ratio.intervalText})` : ratio.text,
      speedup: ratio.value, from: ratio.low ?? ratio.value, to: ratio.high ?? ratio.value }));
  showTemplate("speedups", { title: `How many times as fast as ${selected.baseline}`, values,
    missing: "Nothing was timed in the same rounds as the baseline." });
}
