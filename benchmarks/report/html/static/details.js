// The details of a row: agreement, fairness checks, processes, where it was measured.

const SIGN = { true: ["holds", "good"], false: ["FAILS", "bad"], null: [NONE, "muted"] };

function renderDetails(selected) {
  const dialog = byId("details");
  const row = byName(selected.group, selected.opened);
  if (!row) {
    if (dialog.open) dialog.close();
    return;
  }
  dialog.setAttribute("aria-label", `What was checked of ${row.implementation}`);
  fill("details-content", detailsOf(row, selected));
  if (!dialog.open) dialog.showModal();
}

function watchDetails() {
  const dialog = byId("details");
  dialog.addEventListener("close", () => {
    const name = chosen.get("row");
    if (name === null) return;
    choose({ row: null });
    [...document.querySelectorAll("#table .implementation")].find((each) => each.textContent === name)?.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // outside of its content
  });
}

function detailsOf(row, { group, run, baseline }) {
  return [
    element("p", { class: "overline" }, `${row.tier} · ${row.framework} · ${group.device}`),
    element("h2", { class: "mono" }, row.implementation),
    element("p", { class: "lead" }, row.summary),
    element("p", { class: row.verdict === "verified" ? "good" : "bad" },
      row.reason ? `${row.verdict}: ${row.reason}` : row.verdict),
    isTimed(row) && numbers(row, comparisonWith(baseline, group, row), baseline),
    manifestTable(row, group),
    isTimed(row) && processTable(row),
    element("h3", null, "Where and with what"),
    facts([["case", row.case], ["gradient", row.gradient], ["private names", row.private_names], ...factsOf(run)]),
  ];
}

function numbers(row, ratio, baseline) {
  return element("dl", { class: "numbers" }, DATA.columns.filter(({ isText }) => !isText).map((column) =>
    element("div", { title: column.help },
      element("dt", null, titleOf(column, baseline)), element("dd", null, textOf(column.key, row, ratio)))));
}

function manifestTable(row, group) {
  const agreed = row.agreement;
  const items = manifestOf(row);
  if (!agreed && !items.length) return element("p", { class: "note" }, "Nothing was checked: the process failed before.");
  const first = agreed ? [
    { name: "data and initial parameters", expected: "the reference's", found: `digest ${row.data_digest}`, holds: true },
    { name: `loss of each of ${grouped(agreed.n_steps)} steps, final parameters`,
      expected: `the reference's, in ${agreed.reference}, to ${exponent(group.loss_tolerance)} and ${exponent(group.parameter_tolerance)}`,
      found: agreed.fault ?? `off by at most ${exponent(agreed.max_loss_deviation)} and ${exponent(agreed.max_parameter_deviation)}`,
      holds: agreed.fault === null },
  ] : [];
  return simpleTable(DATA.check.map((title) => ({ title })),
    [...first, ...items].map(({ name, expected, found, holds }) => {
      const [sign, kind] = SIGN[holds];
      return [name, expected, found, element("span", { class: kind }, sign)];
    }), { caption: "What was checked" });
}

const PLAIN = { // without a unit
  round: (place) => String(place + 1), position: (place) => String(place + 1),
  n_samples: grouped, cpu_per_wall: (ratio) => ratio.toFixed(2),
};

function processTable(row) {
  const processes = processesOf(row);
  const columns = DATA.process.filter(([name]) => processes.some((each) => each[name] !== null));
  return simpleTable(columns.map(([, title]) => ({ title, numeric: true })),
    processes.map((each) => columns.map(([name, , unit]) => (PLAIN[name] ?? si)(each[name], unit))), { caption: "Each round’s process" });
}

const facts = (pairs) => element("dl", { class: "facts" }, pairs.filter(([, text]) => text).map(([name, text]) =>
  [element("dt", null, name), element("dd", null, text)]));

function factsOf(run) {
  return [
    ["measured", `${run.date.replace("T", " ")}${run.interrupted ? ` (interrupted: ${run.interrupted})` : ""}`],
    ["machine", `${run.machine}, ${run.system}`],
    ["processor", `${run.cpu}, ${count(run.n_cpus, "CPU")}`],
    ["GPU", run.gpu],
    ["used", `${run.cores}, ${run.pinned_to.length ? `pinned to CPU ${run.pinned_to.join(", ")}` : "not pinned"}`],
    ["versions", Object.entries(run.versions).map((pair) => pair.join(" ")).join(", ")],
    ["commit", run.commit ?? "unknown"],
    ["asked for", `${run.suite ? `suite ${run.suite}` : "single cases"}, ${count(run.rounds, "round")}${run.quick ? ", a quick look" : ""}${run.timed ? "" : ", not timed"}`],
    ["variables", Object.entries(run.worker_variables).map((pair) => pair.join("=")).join(" ")],
  ];
}
