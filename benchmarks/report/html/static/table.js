// The table of the selected group.

// Figures that depend on the selected baseline: a number to sort by, and its text.
const RATIOS = {
  speedup: { number: (ratio) => ratio.value, text: (ratio) => ratio.text },
  speedup_low: { number: (ratio) => ratio.low, text: (ratio) => ratio.intervalText },
};

const numberOf = (key, row, ratio) => (key in RATIOS ? RATIOS[key].number(ratio) : row[key]);

const textOf = (key, row, ratio) => (key in RATIOS ? RATIOS[key].text(ratio) : row.text[key]);

const titleOf = ({ title }, baseline) => title.replace("{baseline}", () => baseline);

const TIER_MEANS = {
  eager: "one call covers one operation",
  step: "one call covers one batch: forward, loss, backward and update",
  epoch: "one call covers all steps of an epoch",
  kernel: "GPU kernels that the author writes in the framework: one per epoch, or a few per step",
  floor: "a fused kernel without a framework: the limit of the device",
};

const MOST_ROWS = 200; // shown at once; more on request
let shownRows = MOST_ROWS;

function renderTable(selected) {
  const rows = rowsInOrder(selected);
  const shown = rows.slice(0, shownRows);
  const bodies = selected.byTier
    ? selected.present.filter((tier) => shown.some(({ row }) => row.tier === tier))
      .map((tier) => tierBody(tier, shown.filter(({ row }) => row.tier === tier), selected))
    : [element("tbody", null, shown.map((each) => tableRow(each, selected)))];
  fill("table", element("table", { class: "figures" },
    element("caption", { class: "unseen" }, `Speed-ups are against ${selected.baseline}.`),
    element("thead", null, element("tr", null, DATA.columns.map((column) => heading(column, selected)))),
    bodies));
  const left = rows.length - shown.length;
  byId("more").hidden = left <= 0;
  byId("more").textContent = `Show ${grouped(Math.min(left, MOST_ROWS))} of ${grouped(left)} more rows`;
}

// Rows with the figure to sort by; rows without one stay at the end in both orders.
function rowsInOrder({ group, baseline, tiers, sort, descending }) {
  const { key } = DATA.columns.find((column) => column.key === sort) ?? DATA.columns[1];
  return group.rows
    .filter((row) => tiers.has(row.tier))
    .map((row) => ({ row, ratio: comparisonWith(baseline, group, row) }))
    .map((each) => ({ ...each, by: numberOf(key, each.row, each.ratio) ?? null }))
    .sort((a, b) => {
      if (a.by === null || b.by === null) return (a.by === null) - (b.by === null);
      const order = typeof a.by === "string" ? a.by.localeCompare(b.by) : a.by - b.by;
      return descending ? -order : order;
    });
}

function heading(column, { sort, descending, baseline }) {
  const { key, help } = column;
  const sorted = key === sort;
  const button = element("button", { type: "button", "data-sort": key, onclick: () => {
    choose({ sort: key, order: sorted && !descending ? "descending" : null }, { replace: true });
    document.querySelector(`[data-sort="${key}"]`).focus();
  } }, breakable(titleOf(column, baseline)),
  element("span", { class: "arrow", "aria-hidden": "true" }, sorted ? (descending ? "▼" : "▲") : ""));
  withTip(button, () => [help]);
  return element("th", { scope: "col", class: classOf(column),
    "aria-sort": sorted ? (descending ? "descending" : "ascending") : "none" }, button);
}

const classOf = ({ key, isText, priority }) =>
  `${key === "implementation" ? "name" : isText ? "text" : "number"} priority-${priority} is-${key}`;

function tierBody(tier, rows, selected) {
  return element("tbody", null,
    element("tr", { class: "tier" }, element("th", { scope: "rowgroup", colspan: DATA.columns.length },
      element("b", null, tier), " ", element("span", null, TIER_MEANS[tier] ?? ""))),
    rows.map((each) => tableRow(each, selected)));
}

function tableRow({ row, ratio }, selected) {
  const cells = DATA.columns.slice(1).map((column) =>
    element("td", { class: classOf(column) }, column.key === "verdict" ? verdict(row) : textOf(column.key, row, ratio)));
  const isBaseline = row.implementation === selected.baseline;
  return withTip(element("tr", { class: [isTimed(row) ? "" : "untimed", isBaseline ? "baseline" : ""].join(" ") },
    element("th", { scope: "row", class: "name" }, nameButton(row), isBaseline && element("small", null, "baseline"),
      isByHand(row) && element("small", null, "by hand")),
    cells), () => tipOf(row, ratio, selected));
}

// NumPy and the floor have no framework that could derive the gradient.
const isByHand = (row) => row.gradient === "by hand" && ["torch", "jax"].includes(row.framework);

const nameButton = (row) =>
  element("button", { type: "button", class: "implementation mono", "aria-haspopup": "dialog",
    onclick: () => choose({ row: row.implementation }) }, mark(row), breakable(row.implementation));

// An implementation's mark: its colour and shape, as in the plots.
function mark({ implementation }) {
  const { colour, shape } = DATA.charts.looks[implementation];
  const made = element("span", { class: `mark mark-${shape}`, "aria-hidden": "true" });
  made.style.backgroundColor = colour;
  return made;
}

// A case that is wrong or broken is highlighted; one that can't run here is not.
const verdict = (row) => ["INVALID", "FAILED"].includes(row.verdict)
  ? element("b", { class: "bad" }, row.verdict)
  : element("span", { class: row.verdict === "verified" ? "good" : "muted" }, row.verdict);

function tipOf(row, ratio, { baseline, run, group }) {
  const sure = ratio.low
    ? `${ratio.text} ${baseline}: from ${ratio.intervalText}, sure to ${(ratio.coverage * 100).toFixed(1)} %, of ${count(ratio.n, "round")}`
    : null;
  return [
    row.summary,
    `Gradient: ${row.gradient}.`,
    row.reason && `${row.verdict}: ${row.reason}`,
    sure,
    `${day(run.date)} UTC · ${group.machine}`,
    "Choose the name to see what was checked.",
  ];
}
