// The table of the selected group.

const COLUMNS = [
  { key: "implementation", title: "implementation", value: (row) => row.implementation, always: true },
  { key: "typical", title: "typical", value: (row) => row.typical_s, always: true,
    help: "Time of one epoch: the median over the rounds of each process's median" },
  { key: "best", title: "best", value: (row) => row.best_s, help: "The fastest epoch of all" },
  { key: "samples/s", title: "samples/s", value: (row) => row.samples_per_s,
    help: "Rows of data per second, at the typical time" },
  { key: "speedup", title: "speed-up", value: (row, ratio) => ratio.value, always: true,
    help: "How many times faster than the baseline: the median over the rounds of the ratio of the two processes' fastest epochs" },
  { key: "interval", title: "95 % interval", value: (row, ratio) => ratio.low, always: true,
    help: "Confidence interval of the speed-up, by order statistics; of fewer than five rounds none" },
  { key: "floor", title: "vs floor", value: (row) => row.times_floor,
    help: "How many times as long as the native floor’s an epoch takes" },
  { key: "cold", title: "cold", value: (row) => row.cold_s,
    help: "The first epoch, with empty disk caches: trace, compile and run" },
  { key: "warm", title: "warm", value: (row) => row.warm_s,
    help: "The first epoch, with what an earlier process left in the disk caches" },
  { key: "memory", title: "memory", value: (row) => row.memory_bytes,
    help: "Peak, data included, above what the process held once the framework was loaded" },
  { key: "deviation", title: "deviation", value: (row) => row.deviation,
    help: "The largest difference of any step's loss from the reference" },
  { key: "verdict", title: "verdict", value: (row) => row.verdict },
];

const TIER_MEANS = {
  eager: "one call hands over one operation",
  step: "one call hands over one batch: forward, loss, backward and update",
  epoch: "one call hands over all steps of an epoch",
  floor: "a fused C kernel: what the processor allows",
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
    element("thead", null, element("tr", null, COLUMNS.map((column) => heading(column, selected)))),
    bodies));
  const left = rows.length - shown.length;
  byId("more").hidden = left <= 0;
  byId("more").textContent = `Show ${grouped(Math.min(left, MOST_ROWS))} of ${grouped(left)} more rows`;
}

// Rows with what they are compared by; those without a figure stay at the end, whichever way it is sorted.
function rowsInOrder({ group, baseline, tiers, sort, descending }) {
  const column = COLUMNS.find(({ key }) => key === sort) ?? COLUMNS[1];
  return group.rows
    .filter((row) => tiers.has(row.tier))
    .map((row) => ({ row, ratio: comparisonWith(baseline, group, row) }))
    .map((each) => ({ ...each, by: column.value(each.row, each.ratio) ?? null }))
    .sort((a, b) => {
      if (a.by === null || b.by === null) return (a.by === null) - (b.by === null);
      const order = typeof a.by === "string" ? a.by.localeCompare(b.by) : a.by - b.by;
      return descending ? -order : order;
    });
}

function heading({ key, title, help, always }, { sort, descending, baseline }) {
  const sorted = key === sort;
  const button = element("button", { type: "button", "data-sort": key, onclick: () => {
    choose({ sort: key, order: sorted && !descending ? "descending" : null }, { replace: true });
    document.querySelector(`[data-sort="${key}"]`).focus();
  } }, title, element("span", { class: "arrow", "aria-hidden": "true" }, sorted ? (descending ? "▼" : "▲") : ""));
  if (help) withTip(button, () => [key === "speedup" ? `${help}. The baseline is ${baseline}.` : help]);
  return element("th", { scope: "col", class: classOf(key, always),
    "aria-sort": sorted ? (descending ? "descending" : "ascending") : "none" }, button);
}

const classOf = (key, always) =>
  [key === "implementation" ? "name" : key === "verdict" ? "verdict" : "number", !always && "more", `is-${key.replace("/", "-")}`]
    .filter(Boolean).join(" ");

function tierBody(tier, rows, selected) {
  return element("tbody", null,
    element("tr", { class: "tier" }, element("th", { scope: "rowgroup", colspan: COLUMNS.length },
      element("b", null, tier), " ", element("span", null, TIER_MEANS[tier] ?? ""))),
    rows.map((each) => tableRow(each, selected)));
}

function tableRow({ row, ratio }, selected) {
  const cells = COLUMNS.slice(1).map(({ key, always }) =>
    element("td", { class: classOf(key, always) }, cellText(key, row, ratio)));
  const isBaseline = row.implementation === selected.baseline;
  return withTip(element("tr", { class: [isTimed(row) ? "" : "untimed", isBaseline ? "baseline" : ""].join(" ") },
    element("th", { scope: "row", class: "name" }, nameButton(row), isBaseline && element("small", null, "baseline")),
    cells), () => tipOf(row, ratio, selected));
}

const nameButton = (row) =>
  element("button", { type: "button", class: "implementation mono", "aria-haspopup": "dialog",
    onclick: () => choose({ row: row.implementation }) }, mark(row), breakable(row.implementation));

// An implementation's mark: its colour and shape, as in the pictures.
function mark({ implementation }) {
  const { colour, shape } = DATA.charts.looks[implementation];
  const made = element("span", { class: `mark mark-${shape}`, "aria-hidden": "true" });
  made.style.backgroundColor = colour;
  return made;
}

function cellText(key, row, ratio) {
  if (key === "verdict") return verdict(row);
  if (key === "speedup") return ratio.text;
  if (key === "interval") return ratio.intervalText;
  return row.text[key];
}

// A case that is wrong or broken must be seen; one that can't run here need not.
const verdict = (row) => ["INVALID", "FAILED"].includes(row.verdict)
  ? element("b", { class: "bad" }, row.verdict)
  : element("span", { class: row.verdict === "verified" ? "good" : "muted" }, row.verdict);

function tipOf(row, ratio, { baseline, run, group }) {
  const sure = ratio.low
    ? `${ratio.text} ${baseline}: from ${ratio.intervalText}, sure to ${(ratio.coverage * 100).toFixed(1)} %, of ${count(ratio.n, "round")}`
    : null;
  return [
    row.summary,
    row.reason && `${row.verdict}: ${row.reason}`,
    sure,
    `${day(run.date)} UTC · ${group.site}`,
    "Choose the name for what was checked.",
  ];
}
