// The report's page: draws the charts in the theme of the moment, sorts and filters the tables. No request leaves it.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("payload").textContent);
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  // ---------------------------------------------------------------------------------------------------------- theme
  const night = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const theme = () => (printing ? "light" : root.dataset.theme || (night.matches ? "dark" : "light"));
  try { const kept = localStorage.getItem("hedgerow-theme"); if (kept === "light" || kept === "dark") root.dataset.theme = kept; } catch { /* private mode */ }

  // --------------------------------------------------------------------------------------------------------- charts
  const state = { pick: 0, log: false, hidden: {} };
  const nodes = Object.fromEntries([...document.querySelectorAll("[data-chart]")].map((node) => [node.dataset.chart, node]));

  function seriesOf(reference) {
    let values = data.series[reference.$];
    if (Array.isArray(values[0])) values = values[Math.min(state.pick, values.length - 1)];
    if (reference.names) return values.map((i) => (i === null ? "not listed" : safe(data.series[reference.names][i])));
    if ("flat" in reference) return values.map(() => reference.flat);
    return reference.row ? [values] : values;
  }
  const safe = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  // A copy of a chart with colours and series in the place of their references.
  function resolved(value, colours) {
    if (Array.isArray(value)) return value.map((entry) => resolved(entry, colours));
    if (value === null || typeof value !== "object") return value;
    if ("@" in value) return colours[value["@"]];
    if ("$" in value) return seriesOf(value);
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, resolved(entry, colours)]));
  }

  const touch = matchMedia("(pointer: coarse)").matches;
  const config = {
    responsive: true, displaylogo: false, scrollZoom: false, doubleClick: "reset",
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };

  function draw(name) {
    const chart = resolved(data.charts[name], data.palettes[theme()]);
    const layout = chart.layout;
    layout.dragmode = touch ? false : "zoom";
    layout.uirevision = "keep";
    layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: data.palettes[theme()].muted, activecolor: data.palettes[theme()].ink };
    if (nodes[name].clientWidth < 560) narrow(chart);
    if (name === "equity" && state.log) { delete layout.yaxis.range; Object.assign(layout.yaxis, { type: "log" }, chart.log); }
    if (printing) layout.width = 690;
    const hidden = state.hidden[name] || {};
    for (const trace of chart.data) {
      const group = trace.meta && trace.meta.group;
      if (group in hidden) trace.visible = hidden[group] ? false : true;
      else if (trace.visible === "legendonly") trace.visible = false;
    }
    return Plotly.react(nodes[name], chart.data, layout, { ...config, toImageButtonOptions: { filename: "hedgerow-" + name, scale: 2 } });
  }

  function narrow(chart) {
    chart.layout.margin = { ...chart.layout.margin, l: 44, r: 8 };
    chart.layout.xaxis.nticks = 4;
    for (const note of chart.layout.annotations) { if (note.xshift) note.xshift = -44; note.font.size = Math.min(11, note.font.size); }
    for (const trace of chart.data) {
      if (trace.type !== "waterfall") continue;
      const [low, high] = chart.layout.xaxis.range;
      trace.textfont.size = 10;
      chart.layout.xaxis.range = [low < 0 ? low - (high - low) * 0.12 : low, high + (high - low) * 0.12];
    }
  }

  const redraw = () => Object.keys(nodes).forEach(draw);

  // A legend of real buttons: it wraps on narrow screens and works from the keyboard.
  function legend(name, place) {
    for (const trace of data.charts[name].data) {
      if (!trace.meta || !trace.meta.legend) continue;
      const group = trace.meta.group;
      const button = make("button", { type: "button", "aria-pressed": String(trace.visible !== "legendonly") }, sample(trace), make("span", {}, trace.meta.legend));
      if (trace.meta.first) button.className = "first";
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        (state.hidden[name] ||= {})[group] = !on;
        draw(name);
      });
      place.append(button);
    }
  }

  const svg = document.querySelector("svg").namespaceURI;

  function sample(trace) {
    const picture = document.createElementNS(svg, "svg");
    picture.setAttribute("width", "22"); picture.setAttribute("height", "10"); picture.setAttribute("aria-hidden", "true");
    const part = (tag, attributes) => { const shape = document.createElementNS(svg, tag); for (const [k, v] of Object.entries(attributes)) shape.setAttribute(k, v); picture.append(shape); };
    if (trace.marker) {
      const shapes = { "triangle-down": "M6 1h10l-5 8z", "triangle-up": "M6 9h10l-5-8z", x: "M7 2l2-2 2 3 2-3 2 2-2 3 2 3-2 2-2-3-2 3-2-2 2-3z" };
      part("path", { d: shapes[trace.marker.symbol], fill: `var(--${trace.marker.color["@"]})` });
    } else {
      const dashes = { dot: "2 3", dash: "6 3", dashdot: "6 3 2 3", longdash: "9 3", longdashdot: "9 3 2 3" };
      part("line", { x1: 0, x2: 22, y1: 5, y2: 5, stroke: `var(--${trace.line.color["@"]})`, "stroke-width": Math.max(2, trace.line.width), "stroke-dasharray": dashes[trace.line.dash] || "none" });
    }
    return picture;
  }

  // ---------------------------------------------------------------------------------------------------- sortable table
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => { const cell = row.cells[column]; return column === 0 ? cell.textContent : cell.dataset.v === "" ? null : Number(cell.dataset.v); };
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === null || y === null) return (x === null) - (y === null);  // what is not defined stays last
        const order = typeof x === "string" ? x.localeCompare(y) : x - y;
        return down ? -order : order;
      });
      table.tBodies[0].append(...rows);
    }));
  }

  // --------------------------------------------------------------------------------------------------------- decisions
  const log = data.decisions;
  const small = matchMedia("(max-width: 40rem)");
  const size = small.matches ? 10 : 25;
  const view = { rows: [], page: 0, newest: false };
  const word = (column, i) => log.strings[log[column][i]];
  const stamp = (seconds, exact) => { const text = new Date(seconds * 1000).toISOString(); return exact ? text.slice(0, 10) + " " + text.slice(11, 16) : text.slice(0, 10); };
  const number = (value, digits = 4) => value === null ? "–" : value.toLocaleString("en-GB", { maximumSignificantDigits: digits }).replace("-", "−");
  const money = (value) => value === null ? "–" : value.toLocaleString("en-GB", { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 }).replace("-", "−");
  const clock = new Set(log.risk), via = new Set(log.via);
  let haystack = null;

  function hay(i) {
    haystack ||= [];
    return haystack[i] ??= ["instrument", "asset", "action", "reason", "row", "refused", "sentence"].map((c) => word(c, i)).join(" ").toLowerCase() + " " + stamp(log.decided[i], true);
  }

  function filter() {
    const form = $("filters").elements;
    const asset = form.asset.value, reason = form.reason.value, outcome = form.outcome.value;
    const words = form.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    view.rows = [];
    for (let i = 0; i < log.decided.length; i++) {
      if (asset !== "" && String(log.asset[i]) !== asset) continue;
      if (reason !== "" && String(log.reason[i]) !== reason) continue;
      if (outcome && (outcome === "refused") !== (word("refused", i) !== "")) continue;
      if (words.length && !words.every((w) => hay(i).includes(w))) continue;
      view.rows.push(i);
    }
    if (view.newest) view.rows.reverse();
    view.page = 0;
    show();
  }

  const cell = (content, head, kind = "") => { const td = make("td", head ? { "data-h": head } : {}, content); if (kind) td.className = kind; return td; };

  function line(i) {
    const refused = word("refused", i);
    const when = cell(stamp(log.decided[i], clock.has(i)));
    if (clock.has(i)) when.append(make("span", { class: "clock" }, "risk clock"));
    if (log.days[i] > 1) { when.prepend("since "); when.append(make("span", { class: "under" }, log.days[i].toLocaleString("en-GB") + " days")); }
    const why = cell(word("reason", i), "", "why");
    if (word("row", i)) why.append(" ", make("code", {}, word("row", i)));
    if (word("sentence", i)) why.append(make("p", {}, word("sentence", i).replace(/(\d) (%|pp|bp)/g, "$1\u202f$2")));
    const out = refused ? cell(make("span", { class: "no" }, "Refused: "), "", "out") : cell("Filled", "", "out");
    if (refused) out.append(refused);
    else {
      if (log.price[i] !== null) out.append(" at " + number(log.price[i], 5));
      if (log.filled[i] !== null) out.append(" ", make("span", { class: "soft" }, stamp(log.filled[i], true)));
    }
    const asset = cell(word("asset", i)); asset.title = word("instrument", i);
    if (via.has(i)) asset.append(make("span", { class: "under" }, "by " + word("instrument", i)));
    return make("tr", {}, when, asset, cell(word("action", i)), cell(number(log.amount[i]), "coins", "n"), cell(money(log.notional[i]), "value", "n"),
      cell(money(log.cost[i]), "cost", "n"), why, cell(word("measured", i), "measured", "n"), cell(word("threshold", i), "threshold", "n"), out);
  }

  function show() {
    const total = view.rows.length, pages = Math.max(1, Math.ceil(total / size));
    view.page = Math.min(Math.max(0, view.page), pages - 1);
    const from = view.page * size;
    const body = $("rows").tBodies[0];
    body.replaceChildren(...view.rows.slice(from, from + size).map(line));
    if (!total) body.append(make("tr", {}, make("td", { colspan: "10", class: "soft" }, "Nothing matches.")));
    $("place").textContent = total ? `${(from + 1).toLocaleString("en-GB")}–${Math.min(total, from + size).toLocaleString("en-GB")} of ${total.toLocaleString("en-GB")}` : "";
    $("previous").disabled = view.page === 0;
    $("next").disabled = view.page >= pages - 1;
  }

  function options(name, column) {
    const counts = new Map();
    for (const i of log[column]) counts.set(i, (counts.get(i) || 0) + 1);
    const sorted = [...counts].sort((a, b) => log.strings[a[0]].localeCompare(log.strings[b[0]]));
    for (const [i, count] of sorted) $("filters").elements[name].append(make("option", { value: String(i) }, `${log.strings[i] || "none"} (${count.toLocaleString("en-GB")})`));
  }

  // ------------------------------------------------------------------------------------------------------------- start
  options("asset", "asset"); options("reason", "reason"); filter();
  $("filters").addEventListener("input", filter);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("newest").addEventListener("click", (event) => { view.newest = !view.newest; event.currentTarget.setAttribute("aria-pressed", String(view.newest)); filter(); });
  $("previous").addEventListener("click", () => { view.page--; show(); });
  $("next").addEventListener("click", () => { view.page++; show(); });
  $("theme").addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    try { localStorage.setItem("hedgerow-theme", root.dataset.theme); } catch { /* private mode */ }
    redraw();
  });
  $("log").addEventListener("click", (event) => { state.log = !state.log; event.currentTarget.setAttribute("aria-pressed", String(state.log)); draw("equity"); });
  $("pick").addEventListener("change", (event) => { state.pick = Number(event.target.value); draw("hedge"); });
  night.addEventListener("change", redraw);
  small.addEventListener("change", redraw);
  addEventListener("beforeprint", () => { printing = true; redraw(); });
  addEventListener("afterprint", () => { printing = false; redraw(); });
  for (const place of document.querySelectorAll("[data-legend]")) legend(place.dataset.legend, place);
  redraw();
})();
