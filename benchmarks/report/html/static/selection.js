// What is selected. The URL has the reader's choices; the rest follows from the data.

const TIERS = ["eager", "step", "epoch", "kernel", "floor"];

// Each narrows what the next has to choose from.
const CHOOSERS = [
  { key: "machine", label: "Machine", of: (group) => group.machine,
    name: (value, group) => (group.beside ? `${value} (published)` : value) },
  { key: "device", label: "Device", of: (group) => group.device, name: (value) => value.toUpperCase() },
  { key: "problem", label: "Problem", of: (group) => group.problem, name: (_, group) => problemLabel(group) },
  { key: "feed", label: "Batches", of: (group) => group.feed,
    name: (value) => ({ device: "on the device", host: "in host memory" })[value] },
  { key: "readback", label: "Losses are read", of: (group) => group.readback, name: (value) => `each ${value}` },
  { key: "run", label: "Run", of: (group) => DATA.runs[group.run].date, name: (_, group) => runLabel(group) },
];

let chosen = new URLSearchParams(location.hash.slice(1));

function choose(changes, { replace = false } = {}) {
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) chosen.delete(key);
    else chosen.set(key, value);
  }
  history[replace ? "replaceState" : "pushState"](null, "", `#${chosen}`);
  render();
}

addEventListener("popstate", () => {
  chosen = new URLSearchParams(location.hash.slice(1));
  render();
});

function problemLabel(group) {
  const { nickname, batch_size, n_features, n_batches, problem } = group;
  const sizes = `${grouped(n_batches)} × ${grouped(batch_size)} samples, ${count(n_features, "feature")}`;
  const others = problem.split("-").filter((part) => part.includes("=")).join(", ");
  return [nickname ? `${nickname}: ${sizes}` : sizes, others].filter(Boolean).join(", ");
}

function runLabel(group) {
  const run = DATA.runs[group.run];
  const rounds = Math.max(0, ...group.rows.map((row) => row.n_rounds));
  const kind = !run.timed ? "not timed" : run.quick ? "quick look" : count(rounds, "round");
  return `${day(run.date)}, ${kind}`;
}

const isMeasured = (group) => group.rows.some((row) => row.verdict !== "not measured");

// Returns the selected group, the options of each chooser, and how to show the table. What was not measured, for
// example on a device that the machine lacks, is marked and can't be chosen, unless there is nothing else.
function selection() {
  let groups = DATA.groups;
  const offers = {};
  for (const { key, of, name } of CHOOSERS) {
    const values = [...new Set(groups.map(of))];
    const measured = new Set(groups.filter(isMeasured).map(of));
    const open = measured.size ? values.filter((each) => measured.has(each)) : values;
    const value = open.includes(chosen.get(key)) ? chosen.get(key) : open[0];
    offers[key] = { value, options: values.map((each) => {
      const title = label(name, each, groups.find((group) => of(group) === each));
      return [each, measured.has(each) ? title : `${title}: not measured`, !open.includes(each)];
    }) };
    groups = groups.filter((group) => of(group) === value);
  }
  const group = groups[0];
  const timed = group.rows.filter(isTimed).map((row) => row.implementation);
  const baseline = timed.includes(chosen.get("baseline")) ? chosen.get("baseline") : group.baseline;
  const present = tiersOf(group);
  const asked = chosen.get("tiers")?.split(",").filter((tier) => present.includes(tier));
  return {
    group, offers, baseline, timed, present,
    run: DATA.runs[group.run],
    tiers: new Set(asked?.length ? asked : present),
    sort: chosen.get("sort") ?? "typical_s",
    descending: chosen.get("order") === "descending",
    byTier: chosen.get("grouped") !== "no",
    caches: chosen.get("caches") === "warm" ? "warm" : "cold",
    opened: chosen.get("row"),
  };
}

const label = (name, value, group) => name?.(value, group) ?? value;

function tiersOf(group) {
  const found = new Set(group.rows.map((row) => row.tier));
  return [...TIERS.filter((tier) => found.has(tier)), ...[...found].filter((tier) => !TIERS.includes(tier))];
}

function renderChoosers({ offers }) {
  fill("choosers", CHOOSERS.map(({ key, label: title }) => {
    const { value, options } = offers[key];
    // One option is no choice, but machine, device and problem are always shown.
    if (options.length < 2 && !["machine", "device", "problem"].includes(key)) return null;
    return chooser({ key, title, value, options });
  }));
}

function chooser({ key, title, value, options, onchange }) {
  const select = element("select", { id: `choose-${key}`, disabled: options.length < 2,
    onchange: onchange ?? ((event) => chooseAndKeepFocus(key, event.target.value)) },
  options.map(([each, name, closed]) => element("option", { value: each, selected: each === value, disabled: closed }, name)));
  return element("label", { class: `chooser chooser-${key}` }, element("span", null, title), select);
}

function chooseAndKeepFocus(key, value) {
  choose({ [key]: value });
  byId(`choose-${key}`)?.focus();
}
