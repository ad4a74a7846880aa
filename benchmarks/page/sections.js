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
  const absent = group.rows.length - judged.length;
  fill("agreement", agreementTable(group));
  showPicture("losses", selected);
  if (!judged.length) return "Nothing was run here.";
  const wrong = judged.filter((row) => row.verdict !== "verified");
  const furthest = right.reduce((most, row) => ((row.deviation ?? 0) > (most?.deviation ?? -1) ? row : most), null);
  const steps = furthest?.agreement ? `at each of ${grouped(furthest.agreement.n_steps)} steps` : "at each step";
  const agreed = furthest && `agree with the reference ${steps}; the furthest is off by ${furthest.text.deviation}`;
  const others = absent ? ` ${count(absent, "other")} can’t run here.` : "";
  if (!wrong.length) return `Yes: ${right.length === 1 ? "the one that ran does" : `all ${right.length}`} ${agreed}.${others}`;
  return `Not all: ${listed(wrong.map((row) => `${row.implementation} is ${row.verdict}`))}.${right.length ? ` ${right.length} ${agreed}.` : ""}${others}`;
}

function agreementTable(group) {
  const rows = [...group.rows].sort((a, b) => (b.reason !== null) - (a.reason !== null) || (b.deviation ?? 0) - (a.deviation ?? 0));
  return simpleTable([{ title: "implementation" }, { title: "verdict" }, { title: "steps", numeric: true },
    { title: "largest deviation of a loss", numeric: true }, { title: "of a parameter", numeric: true }, { title: "reason" }],
  rows.map((row) => [element("span", { class: "mono" }, row.implementation),
    element("span", { class: row.verdict === "verified" ? "good" : row.verdict === "not measured" ? "muted" : "bad" }, row.verdict),
    row.agreement ? grouped(row.agreement.n_steps) : NONE, exponent(row.agreement?.max_loss_deviation),
    exponent(row.agreement?.max_parameter_deviation), row.reason ?? ""]), { caption: "Agreement with the reference" });
}

// 2. Who is faster, by how much, how sure?
function speed(selected) {
  const { group } = selected;
  const duels = selected.present.map((tier) => duelOf(group, tier)).filter(Boolean);
  fill("duels", duels.length ? duelTable(duels) : element("p", { class: "note" }, "There is no tier in which both frameworks were timed."));
  showSpeedups(selected);
  const timed = group.rows.filter((row) => isTimed(row) && row.tier !== "floor");
  if (!timed.length) return "Nobody was timed here.";
  const best = fastest(timed);
  const ratio = comparisonWith(selected.baseline, group, best);
  const against = best.implementation === selected.baseline || !ratio.value ? "" : `, ${ratio.text} ${selected.baseline}${ratio.low ? ` (${ratio.intervalText})` : ""}`;
  return `${best.implementation}: ${best.text.typical} an epoch${against}.`;
}

const fastest = (rows) => rows.reduce((best, row) => (best === null || row.best_s < best.best_s ? row : best), null);

// The fastest of either framework in one tier, held against each other.
function duelOf(group, tier) {
  const of = (framework) => fastest(group.rows.filter((row) => row.tier === tier && row.framework === framework && isTimed(row)));
  const [torch, jax] = [of("torch"), of("jax")];
  return torch && jax && { tier, torch, jax, ratio: speedup(torch, jax) };
}

function duelTable(duels) {
  return simpleTable([{ title: "tier" }, { title: "PyTorch’s fastest" }, { title: "JAX’s fastest" }, { title: "faster" }, { title: "times as fast", numeric: true }, { title: "95 % interval", numeric: true }],
    duels.map(({ tier, torch, jax, ratio }) => {
      const known = ratio?.low ? ratio.low > 1 || ratio.high < 1 : null;
      const jaxFirst = (ratio?.value ?? 1) >= 1;
      const turned = !ratio || jaxFirst ? ratio ?? {} : { value: 1 / ratio.value, low: ratio.high && 1 / ratio.high, high: ratio.low && 1 / ratio.low, coverage: ratio.coverage };
      const who = known === false ? "no telling apart" : jaxFirst ? "JAX" : "PyTorch";
      return [tier, named(torch), named(jax), element("b", null, known === null ? `${who}, not sure` : who), times(turned.value), interval(turned)];
    }), { caption: "Like for like: the fastest of either framework, tier by tier" });
}

const named = (row) => [mark(row), element("span", { class: "mono" }, row.implementation), " ", element("small", null, row.text.typical)];

function showSpeedups(selected) {
  const values = rowsInOrder({ ...selected, sort: "typical", descending: false }).filter(({ ratio }) => ratio.value).slice(0, MOST_DRAWN)
    .map(({ row, ratio }) => ({ ...drawnAs(row), "times as fast": ratio.text, "95 % interval": ratio.intervalText,
      speedup: ratio.value, from: ratio.low ?? ratio.value, to: ratio.high ?? ratio.value }));
  showTemplate("speedups", { title: `How many times as fast as ${selected.baseline}`, values,
    missing: "Nobody was timed against the baseline." });
}
