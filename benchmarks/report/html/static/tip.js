// A tip for the element that is pointed at or has the focus.

const TIP = element("div", { id: "tip", role: "tooltip", hidden: true });
document.body.append(TIP);

const DELAY_MS = 250; // a pointer may only pass over the element
let waiting = 0;

// Gives the element a tip: `lines` makes its lines when it is needed.
function withTip(target, lines) {
  const show = () => showTip(lines(), target.getBoundingClientRect());
  target.addEventListener("pointerenter", () => {
    waiting = setTimeout(show, DELAY_MS);
  });
  target.addEventListener("focusin", show);
  target.addEventListener("pointerleave", hideTip);
  target.addEventListener("focusout", hideTip);
  return target;
}

function showTip(lines, at) {
  TIP.replaceChildren(...lines.filter(Boolean).map((line) => element("p", null, line)));
  TIP.hidden = false;
  const margin = 8;
  const { width, height } = TIP.getBoundingClientRect();
  const left = Math.min(Math.max(margin, at.left), innerWidth - width - margin);
  const below = at.bottom + margin + height <= innerHeight;
  TIP.style.left = `${left + scrollX}px`;
  TIP.style.top = `${scrollY + (below ? at.bottom + margin : at.top - height - margin)}px`;
}

function hideTip() {
  clearTimeout(waiting);
  TIP.hidden = true;
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideTip();
});

// Vega's tips, by a field's title; strings of a record are shown as text here, too.
function chartTip(_handler, event, _item, value) {
  if (value === null || value === undefined || value === "") return hideTip();
  const lines = typeof value === "object"
    ? Object.entries(value).map(([key, each]) => `${key}: ${each}`)
    : [String(value)];
  const at = { left: event.clientX + 12, top: event.clientY, bottom: event.clientY };
  showTip(lines, at);
}
